//! `seedbed diagnose` as people run it, against a real API server and a real sshd.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use engine::host::keys::{KeyPair, generate_ed25519};
use seedbed::identity::Identity;
use serde_json::json;

use crate::support::flux::World;
use crate::support::hypervisor::hypervisor;
use crate::support::planted::{OTHER_TOKEN, Planted, TOKEN, unpack};

#[path = "diagnose/sources.rs"]
mod sources;
#[path = "diagnose/unreachable.rs"]
mod unreachable;

use sources::{MARK, journal, plant};

/// A spec and its state directory, as an `up` has left them.
struct Workstation {
    directory: tempfile::TempDir,
}

impl Workstation {
    fn new(spec: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("seedbed.yaml"), spec).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes identity and plan: one node whose host and API are on loopback.
    fn was_up(&self, identity: &Identity, host_key: &str, (ssh, api): (u16, u16), pace: &str, extra: &str) {
        let state = self.path(".seedbed/demo");
        identity.save(&state).unwrap();
        let plan = json!({
            "cluster": "demo",
            "pace": pace,
            "nodes": [{
                "name": "cp",
                "role": "control-plane",
                "address": "127.0.0.1",
                "host_key": host_key,
                "machine": {"provider": "existing", "port": ssh, "user": "root", "key": self.path("key")},
            }],
            "kubernetes": {"address": "127.0.0.1", "port": api, "kubeadm": {"note": extra}},
        });
        std::fs::write(state.join("plan.json"), plan.to_string()).unwrap();
    }

    fn seedbed(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
        command.args(arguments).current_dir(&self.directory).env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }
}

fn talk(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// An sshd whose programs say what was planted.
struct Sshd(Child);

impl Sshd {
    fn start(workstation: &Workstation, host: &KeyPair, user: &KeyPair, port: u16, planted: &Planted) -> Self {
        let bin = workstation.path("bin");
        std::fs::create_dir(&bin).unwrap();
        std::fs::write(bin.join("planted"), &planted.text).unwrap();
        for program in ["journalctl", "crictl", "systemctl"] {
            // The services run: the cause is another.
            let active = "[ \"$1\" = is-active ] && echo active && exit";
            let script =
                format!("#!/bin/sh\n{active}\necho '{MARK}' {program} \"$@\"\ncat {}/planted\n", bin.display());
            std::fs::write(bin.join(program), script).unwrap();
            std::fs::set_permissions(bin.join(program), PermissionsExt::from_mode(0o755)).unwrap();
        }
        let put = |name: &str, text: &str| {
            std::fs::write(workstation.path(name), text).unwrap();
            std::fs::set_permissions(workstation.path(name), PermissionsExt::from_mode(0o600)).unwrap();
            workstation.path(name).display().to_string()
        };
        put("key", &user.private);
        let (host_key, keys) = (put("host_key", &host.private), put("authorized_keys", &user.public));
        let config = put(
            "sshd_config",
            &format!(
                "ListenAddress 127.0.0.1\nPort {port}\nHostKey {host_key}\nAuthorizedKeysFile {keys}\nPidFile none\n\
                 StrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\nSetEnv PATH={}:/usr/sbin:/usr/bin:/sbin:/bin\n",
                bin.display()
            ),
        );
        // sshd wants its empty directory, which only a service manager makes.
        std::fs::create_dir_all("/run/sshd").unwrap();
        let log = std::fs::File::create(workstation.path("sshd.log")).unwrap();
        let mut sshd = Command::new("/usr/sbin/sshd");
        Self(sshd.args(["-D", "-e", "-f", &config]).stdin(Stdio::null()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_planted_secret_is_in_it_and_the_cause_is_first() {
    let world = World::installed().await;
    let identity = &world.server.identity;
    let (host, user) = (generate_ed25519("host").unwrap(), generate_ed25519("user").unwrap());
    let planted = Planted::of(identity, &[&host.private, &user.private]);
    plant(&world, &planted).await;

    let workstation = Workstation::new(
        "cluster: demo\nnodes: [{name: cp, role: control-plane}]\ngitops:\n  source: ./gitops\n  path: clusters/demo\n  \
         host: {url: \"https://git.example.org/x.git\", credentials: {env: PLANTED_IN_THE_SPEC}}\n",
    );
    std::fs::create_dir_all(workstation.path("gitops/clusters/demo")).unwrap();
    std::fs::write(workstation.path("gitops/clusters/demo/kustomization.yaml"), "resources: []\n").unwrap();
    let (ssh, api) = (free_port(), world.server.url.rsplit(':').next().unwrap().parse().unwrap());
    let public = host.public.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    // The patience for emulated machines: the machine of a test may be as busy.
    workstation.was_up(identity, &public, (ssh, api), "emulated", &format!("{MARK} the plan\n{}", planted.text));
    journal(&workstation.path(".seedbed/demo/journal"), &planted);
    let _sshd = Sshd::start(&workstation, &host, &user, ssh, &planted);
    let console = format!("\u{1b}[0;32m{MARK} console\u{1b}[0m\r\n{}", planted.text.replace('\n', "\r\n"));
    let libvirt = hypervisor(&workstation.path("libvirt"), "demo", "cp", identity, &console);

    let file = workstation.path("diagnosis.tar.gz");
    let output = workstation
        .seedbed(&["diagnose", "-o", "diagnosis.tar.gz", "--report", "lines"])
        .env("SEEDBED_LIBVIRT", libvirt)
        .env("PLANTED_IN_THE_SPEC", format!("robot:{TOKEN}"))
        .env("OTHER_TOKEN", OTHER_TOKEN)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "diagnosis.tar.gz\n");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let (first, files) = unpack(&file);
    let page = &files[&first];
    assert_eq!(first, "README.txt");

    // Every source is there, with what is harmless in it.
    for name in [
        "plan.json",
        "journal.jsonl",
        "run.txt",
        "kubeadm.txt",
        "machines/cp.console.log",
        "hosts/cp/kubelet.log",
        "hosts/cp/containerd.log",
        "hosts/cp/seedbed-images.log",
        "hosts/cp/containers.txt",
        "hosts/cp/system.txt",
        "kubernetes/events.txt",
        "kubernetes/events.json",
        "kubernetes/pods.json",
        "kubernetes/nodes.json",
        "kubernetes/flux.json",
    ] {
        let text = files.get(name).unwrap_or_else(|| panic!("{name} is not in it\n{page}"));
        assert!(text.contains(MARK), "{name} lacks what is harmless:\n{text}");
        assert!(text.contains("********"), "{name} was not poisoned:\n{text}");
        let json = name.starts_with("kubernetes/") && !name.contains(".txt") || name == "plan.json";
        assert!(!json || serde_json::from_str::<serde_json::Value>(text).is_ok(), "{name} is no JSON");
    }
    for name in
        ["hosts/cp/overview.txt", "kubernetes/secrets.txt", "kubernetes/workloads.json", "machines/machines.txt"]
    {
        assert!(files.contains_key(name), "{name} is not in it\n{page}");
    }
    assert!(files["kubernetes/secrets.txt"].contains("default/planted"));
    for (name, text) in files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .chain([("stderr", talk(&output).as_str()), ("stdout", String::from_utf8_lossy(&output.stdout).as_ref())])
    {
        let found = planted.found_in(text);
        assert!(found.is_empty(), "{name} holds {found:?}");
    }

    // The judge's word is before everything else.
    let cause = page.find("kustomization path not found").unwrap_or_else(|| panic!("no cause:\n{page}"));
    let beginning = &page[..cause];
    assert!(beginning.starts_with("The cause") && beginning.lines().count() < 6, "{page}");
    assert!(talk(&output).contains("kustomization path not found"), "{}", talk(&output));
}

/// Accepts, and never says anything.
fn silent() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[test]
fn what_is_dead_is_listed_and_stalls_nothing() {
    let workstation = Workstation::new(
        "cluster: demo\nmachines: {provider: existing}\nnodes:\n  - name: cp\n    role: control-plane\n    \
         address: 127.0.0.1\n    user: root\n    hostKey: ssh-ed25519 \
         AAAAC3NzaC1lZDI1NTE5AAAAIKUEPF1CklvNrZAJqOlJJDDF3uXiTRHZnpKfdVsLAp4K\n",
    );
    let identity = Identity::make("demo", ["cp"]).unwrap();
    let ((ssh, ssh_port), (api, api_port)) = (silent(), silent());
    std::fs::write(workstation.path("key"), &identity.user.private).unwrap();
    let host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKUEPF1CklvNrZAJqOlJJDDF3uXiTRHZnpKfdVsLAp4K";
    workstation.was_up(&identity, host_key, (ssh_port, api_port), "native", "");
    let begin = Instant::now();
    let output = workstation.seedbed(&["diagnose"]).output().unwrap();
    let took = begin.elapsed();
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let archive = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    assert_eq!(archive.parent().unwrap(), workstation.path(".seedbed/demo/diagnosis").canonicalize().unwrap());
    let (first, files) = unpack(&archive);
    let page = &files[&first];
    assert!(page.starts_with("The cause, as seedbed sees it now:\n\nerror: cannot reach cp (root@127.0.0.1"), "{page}");
    let missing = page.split("Could not be had:").nth(1).unwrap();
    for wanted in
        ["\n  hosts/cp: cannot reach cp", "\n  kubernetes: no answer within 8 s", "\n  journal: no run has left one"]
    {
        assert!(missing.contains(wanted), "{wanted:?} is not listed:\n{page}");
    }
    assert!(files.contains_key("plan.json"));
    assert!(took < Duration::from_secs(30), "it took {took:?}");
    drop((ssh, api));
}

#[test]
fn an_up_that_fails_says_where_its_diagnosis_lies() {
    let workstation = Workstation::new("cluster: demo\nnodes: [{name: cp, role: control-plane}]\n");
    let up = |libvirt: &str| {
        workstation.seedbed(&["up", "--report", "lines"]).env("SEEDBED_LIBVIRT", libvirt).output().unwrap()
    };
    let refused = up("/nowhere/seedbed-libvirt");
    assert_eq!(refused.status.code(), Some(4), "{}", talk(&refused));
    assert!(!workstation.path(".seedbed/demo/diagnosis").exists(), "preflight says all there is to say");

    let failed = up("/bin/false");
    let told = talk(&failed);
    assert_eq!(failed.status.code(), Some(5), "{told}");
    let hint = told.lines().find_map(|line| line.trim().strip_prefix("help: Everything that tells why is in "));
    let archive = PathBuf::from(hint.unwrap_or_else(|| panic!("no path is told:\n{told}")).trim_end_matches('.'));
    assert_eq!(std::fs::metadata(&archive).unwrap().permissions().mode() & 0o777, 0o600);
    let (first, files) = unpack(&archive);
    let page = &files[&first];
    assert!(
        page.starts_with("`seedbed up` failed with exit code 5. The cause:\n\nerror: libvirt at qemu:///system\n"),
        "{page}"
    );
    assert!(files["run.txt"].contains("libvirt at qemu:///system"), "{}", files["run.txt"]);
}

#[test]
fn a_cluster_that_was_never_up_has_no_diagnosis() {
    let workstation = Workstation::new("cluster: demo\nnodes: [{name: cp, role: control-plane}]\n");
    let output = workstation.seedbed(&["diagnose"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(talk(&output).contains("was never up from here"), "{}", talk(&output));
    assert!(!workstation.path(".seedbed").exists());
}
