//! The same over a real sshd, with `sudo` where it matters.

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command as Process, Stdio};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use super::world::{SHELLS, World, alive, connect, eventually, which};
use crate::event::Events;
use crate::host::{Attributes, Become, Change, Command, Host, Mode, Reason};

/// A real sshd of its own: own port, own keys, own configuration.
pub(crate) struct Sshd {
    pub(crate) port: u16,
    process: Child,
}

impl Sshd {
    pub(crate) fn start(world: &World) -> Self {
        Self::start_through(world, &mut Process::new(which("sshd")))
    }

    /// With users of its own, who exist only in its mount namespace.
    fn start_with_users(world: &World) -> Self {
        let script = "set -e; mkdir -p /run/sudo; mount -t tmpfs none /run/sudo; cp -a /etc \"$0\"; mount --bind \"$0/etc\" /etc\n\
             useradd -M -d / -s /usr/bin/fish free; useradd -M -d / asked\n\
             printf 'free:x1y2z3\\nasked:t0p s3cret\\n' | chpasswd\n\
             printf 'free ALL=(ALL) NOPASSWD:ALL\\nasked ALL=(ALL) ALL\\n' >/etc/sudoers.d/seedbed-test\n\
             exec sshd \"$@\"";
        let mut unshare = Process::new(which("unshare"));
        // sshd starts itself anew by its full path.
        let script = script.replace("exec sshd", &format!("exec {}", which("sshd").display()));
        Self::start_through(world, unshare.args(["-m", "sh", "-c", &script, &world.remote("")]))
    }

    fn start_through(world: &World, sshd: &mut Process) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::write(world.file("host_key"), &world.host.private).unwrap();
        std::fs::set_permissions(world.file("host_key"), PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::write(world.file("authorized_keys"), format!("{}\n", world.user.public)).unwrap();
        let (host_key, keys, path) = (world.remote("host_key"), world.remote("authorized_keys"), &world.path);
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {host_key}\nAuthorizedKeysFile {keys}\nPidFile none\n\
             StrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nSetEnv PATH={path}\n\
             RekeyLimit 2M\n"
        );
        std::fs::write(world.file("sshd_config"), config).unwrap();
        // sshd wants its empty directory, which only a service manager makes.
        std::fs::create_dir_all("/run/sshd").unwrap();
        sshd.args(["-D", "-e", "-f", &world.remote("sshd_config")]).stdin(Stdio::null());
        sshd.stderr(std::fs::File::create(world.file("sshd.log")).unwrap());
        Self { port, process: sshd.spawn().unwrap() }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn commands_and_files_with_every_shell() {
    for shell in SHELLS {
        let world = World::with(shell);
        let sshd = Sshd::start(&world);
        let host = connect(&world.target(sshd.port)).await;
        let mut view = host.view(Mode::Apply);
        let output = view.run_query(Command::shell("readlink -f /proc/$$/exe; cat").stdin("in")).await.unwrap();
        let told = output.stdout_text();
        assert!(told.ends_with("in") && told.contains(shell), "{shell}: {told}");

        view.write(world.remote("written"), "content", Attributes::default()).await.unwrap();
        assert_eq!(std::fs::read_to_string(world.file("written")).unwrap(), "content", "{shell}");

        let bytes: Vec<u8> = (0..=255).cycle().take(9_000_000).collect();
        std::fs::write(world.file("source"), &bytes).unwrap();
        let (path, source) = (world.remote("sent"), world.file("source"));
        let begin = Instant::now();
        view.apply(Change::Send { path, source, attributes: Attributes::default() }).await.unwrap();
        println!("{shell}: 9 MB through sshd in {:?}", begin.elapsed());
        assert!(std::fs::read(world.file("sent")).unwrap() == bytes, "{shell}");

        let begin = Instant::now();
        for _ in 0..20 {
            view.run_query(Command::argv(["true"])).await.unwrap();
        }
        println!("{shell}: {:?} a command", begin.elapsed() / 20);
    }
}

#[tokio::test]
async fn more_tasks_at_once_than_sshd_allows_sessions() {
    let world = World::with("dash");
    let sshd = Sshd::start(&world);
    let host = connect(&world.target(sshd.port)).await;
    std::fs::write(world.file("source"), vec![7; 300_000]).unwrap();
    let tasks = (0..30).map(|number| {
        let (host, world) = (&host, &world);
        async move {
            let mut view = host.view(Mode::Apply);
            let (path, source) = (world.remote(&format!("sent{number}")), world.file("source"));
            if number % 3 == 0 {
                view.apply(Change::Send { path, source, attributes: Attributes::default() }).await.map(|_| ())
            } else {
                view.run_query(Command::shell("sleep 0.3")).await.map(|_| ())
            }
        }
    });
    for result in join_all(tasks).await {
        result.unwrap();
    }
}

#[tokio::test]
async fn a_gone_client_and_a_timeout_end_the_group_through_sudo() {
    let world = World::with("dash");
    let sshd = Sshd::start(&world);
    let mut target = world.target(sshd.port);
    target.escalation = Become::Sudo { password: None };
    let host = connect(&target).await;
    let output = host.view(Mode::Apply).run_query(Command::shell("echo $SUDO_USER $(id -u)")).await.unwrap();
    assert_eq!(output.stdout_text(), "root 0\n");
    let mark = format!("741.{}", std::process::id());
    let script = format!("sleep {mark} & sleep {mark}; wait");
    let command = Command::shell(&script).timeout(Duration::from_secs(1));
    host.view(Mode::Apply).run(command).await.unwrap_err();
    eventually("the timed out are gone", || !alive(&mark)).await;
    {
        let mut view = host.view(Mode::Apply);
        let running = view.run(Command::shell(&script));
        let begun = eventually("the sleepers began", || alive(&mark));
        tokio::select! {
            _ = running => panic!("it ended"),
            () = begun => {}
        }
    }
    drop(host);
    eventually("the abandoned are gone", || !alive(&mark)).await;
}

#[tokio::test]
async fn users_become_root_with_and_without_a_password() {
    let world = World::with("dash");
    let sshd = Sshd::start_with_users(&world);
    let who = Command::shell("id -u; echo $SUDO_USER; readlink /proc/self/fd/0");
    let mut target = world.target(sshd.port);
    for (user, password) in [("free", None), ("free", Some("x1y2z3")), ("asked", Some("t0p s3cret"))] {
        target.user = user.into();
        target.escalation = Become::Sudo { password: password.map(str::to_owned) };
        let host = connect(&target).await;
        let output = host.view(Mode::Apply).run_query(who.clone()).await.unwrap().stdout_text();
        assert!(output.starts_with(&format!("0\n{user}\n")), "{user}: {output}");
        let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        std::fs::write(world.file("source"), &bytes).unwrap();
        let (path, source) = (world.remote("sent"), world.file("source"));
        let mut view = host.view(Mode::Apply);
        view.apply(Change::Send { path, source, attributes: Attributes::default() }).await.unwrap();
        assert!(std::fs::read(world.file("sent")).unwrap() == bytes, "{user}");
    }
    for (password, said) in [(None, "password is required"), (Some("wrong"), "sudo did not accept the password")] {
        target.escalation = Become::Sudo { password: password.map(str::to_owned) };
        let refused = Host::connect(&target, &Events::ignored().step("connect")).await.err().unwrap();
        assert!(matches!(&refused.reason, Reason::Shell(text) if text.contains(said)), "{refused}");
    }
}
