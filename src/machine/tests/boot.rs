//! A real machine, for `tests/e2e/isolated`: `SEEDBED_TEST_IMAGE=DIR cargo test --lib boots -- --ignored`,
//! with kernel, initrd and disk.raw in the directory.

#![expect(clippy::print_stdout, reason = "the times are what people run it for")]

use std::process::Command;
use std::time::Instant;

use super::*;
use crate::machine::{Disk, Format, Image, Seed};

fn run(program: &str, arguments: &[&str]) -> std::process::Output {
    Command::new(program).args(arguments).output().unwrap()
}

fn key(path: &std::path::Path) -> (String, String) {
    let made = run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path.to_str().unwrap()]);
    assert!(made.status.success());
    let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    (std::fs::read_to_string(path).unwrap(), public.trim().to_owned())
}

#[tokio::test]
#[ignore = "boots a machine; run it in tests/e2e/isolated"]
async fn boots() {
    let files =
        PathBuf::from(std::env::var_os("SEEDBED_TEST_IMAGE").expect("a directory with kernel, initrd, disk.raw"));
    let disk = |name: &str, file: &str| {
        let path = files.join(file);
        // Hashing gigabytes says no more here than when the file was written.
        let written = run("stat", &["--format=%Y", path.to_str().unwrap()]).stdout;
        Disk { name: name.into(), path, digest: String::from_utf8(written).unwrap().trim().into() }
    };
    let image = Image {
        disk: disk("debian-13", "disk.raw"),
        format: Format::Raw,
        kernel: Some((disk("debian-13-kernel", "kernel"), disk("debian-13-initrd", "initrd"))),
        arguments: "root=LABEL=root rw console=ttyS0".into(),
    };
    let directory = tempfile::tempdir().unwrap();
    let (user, user_public) = (directory.path().join("user"), key(&directory.path().join("user")).1);
    let (host, host_public) = key(&directory.path().join("host"));
    let mut plan = sample_plan();
    plan.nodes.truncate(1);
    plan.nodes[0].host_key = host_public.clone();
    plan.authorized_keys = vec![user_public];

    let step = Events::ignored().step("boot");
    let provider = Provider::open("qemu:///system").await.unwrap();
    let began = Instant::now();
    let ground = provider.prepare(&plan, &image, None, &step).await.unwrap();
    println!("prepared in {:.1} s", began.elapsed().as_secs_f32());
    let seed = Seed::of(&plan, &plan.nodes[0], &host);
    let began = Instant::now();
    let machine = provider.ensure(&plan, &ground, &plan.nodes[0], &seed).await.unwrap();
    assert!(machine.created && machine.fresh && machine.started);
    println!("made in {:.1} s", began.elapsed().as_secs_f32());

    let known = directory.path().join("known_hosts");
    std::fs::write(&known, format!("10.77.3.10 {host_public}\n")).unwrap();
    let known = format!("UserKnownHostsFile={}", known.display());
    let login = |command: &str| {
        let strict = ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=5", "-o", &known];
        let rest = ["-i", user.to_str().unwrap(), "seedbed@10.77.3.10", command];
        run("ssh", &[&strict[..], &rest].concat())
    };
    let answered = loop {
        if login("true").status.success() {
            break began.elapsed();
        }
        if began.elapsed().as_secs() > 400 {
            let failure = engine::failure::Failure::step("it does not answer");
            panic!("{:#?}", provider.diagnose(&plan, &plan.nodes[0], failure).await);
        }
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    };
    println!("boot to SSH {:.1} s", answered.as_secs_f32());
    let facts = login(
        "sudo -n id -u; hostname; ls /etc/ssh/ssh_host_*; cloud-init status --wait; ls /dev/disk/by-id; df -h / | tail -1; systemd-analyze; sudo sshd -T | grep -i penaltyexempt; networkctl status | grep -i foreign",
    );
    let facts = String::from_utf8_lossy(&facts.stdout).into_owned();
    println!("{facts}");
    assert!(
        facts.starts_with("0\ncontrol-1\n/etc/ssh/ssh_host_ed25519_key\n/etc/ssh/ssh_host_ed25519_key.pub\n"),
        "{facts}"
    );
    assert!(facts.contains("SEEDBED-SEED"));

    let failure = engine::failure::Failure::step("a test");
    let failure = provider.diagnose(&plan, &plan.nodes[0], failure).await;
    println!("{failure:#?}");
    assert!(failure.causes[1].contains("got 10.77.3.10"));
    assert!(failure.evidence.is_some());

    assert!(provider.detach_seed(&plan, &plan.nodes[0]).await.unwrap());
    assert!(!provider.detach_seed(&plan, &plan.nodes[0]).await.unwrap());
    let disks = String::from_utf8_lossy(&login("ls /dev/disk/by-id; true").stdout).into_owned();
    println!("after detaching: {disks}");

    // A reboot finds no seed, and keeps the name, the address and the host key.
    let boot_id = || String::from_utf8_lossy(&login("cat /proc/sys/kernel/random/boot_id").stdout).into_owned();
    let before = boot_id();
    login("sudo systemctl reboot");
    let began = Instant::now();
    while [String::new(), before.clone()].contains(&boot_id()) {
        assert!(began.elapsed().as_secs() < 400, "{:?}", provider.console(&plan, "demo-control-1").await);
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    }
    println!("rebooted in {:.1} s", began.elapsed().as_secs_f32());
    assert_eq!(String::from_utf8_lossy(&login("hostname").stdout), "control-1\n");

    let again = provider.ensure(&plan, &ground, &plan.nodes[0], &seed).await.unwrap();
    assert!(!again.created && !again.fresh && !again.started && again.differences.is_empty(), "{again:?}");
    let began = Instant::now();
    provider.prepare(&plan, &image, None, &step).await.unwrap();
    println!("prepared again in {:.1} s", began.elapsed().as_secs_f32());
    let removed = provider.destroy("demo", plan.id, false, &step).await.unwrap();
    println!("{removed:?}");
    assert!(!std::path::Path::new(&pool::path(removed.pool.as_ref().unwrap())).exists());
    assert!(provider.domains().await.unwrap().is_empty());
}

#[tokio::test]
#[ignore = "sends gigabytes to a real libvirt; run it in tests/e2e/isolated"]
async fn two_seedbeds_send_one_image_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image");
    // Data, a hole, data, and a hole at the end.
    let script = "yes seedbed | head -c 100M >image; truncate -s 200M image; yes end | head -c 50M >>image; \
                  truncate -s 300M image";
    assert!(Command::new("sh").args(["-c", script]).current_dir(directory.path()).status().unwrap().success());
    let disk = Disk { name: "race".into(), path, digest: Uuid::new_v4().simple().to_string() };
    let (events, received) = Events::new();
    let step = events.step("race");
    let (one, other) =
        (Provider::open("qemu:///system").await.unwrap(), Provider::open("qemu:///system").await.unwrap());
    one.ensure_shared_pool().await.unwrap();
    let paths = futures::try_join!(one.ensure_file(&disk, &step), other.ensure_file(&disk, &step)).unwrap();
    assert_eq!(paths.0, paths.1);
    let text: Vec<String> = received.try_iter().map(|event| format!("{:?}", event.kind)).collect();
    assert!(text.iter().any(|kind| kind.contains("another seedbed is sending it")), "{text:#?}");
    let same = run("cmp", &[&paths.0, disk.path.to_str().unwrap()]);
    assert!(same.status.success(), "{same:?}");

    // What an interrupted run left is sent again.
    let seal = format!("race-{}.whole", &disk.digest[..16]);
    let delete = |volume: String| Action::DeleteVolume { pool: pool::SHARED.into(), volume };
    one.run(delete(seal.clone()), || "delete".into()).await.unwrap();
    std::fs::write(&paths.0, "half").unwrap();
    one.ensure_file(&disk, &step).await.unwrap();
    assert!(run("cmp", &[&paths.0, disk.path.to_str().unwrap()]).status.success());
    for volume in [seal, format!("race-{}", &disk.digest[..16])] {
        one.run(delete(volume), || "delete".into()).await.unwrap();
    }
}
