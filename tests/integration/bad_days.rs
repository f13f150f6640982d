//! Bad days: interruptions of `down`, machines that never answer, libvirt that may not be used, and two at once.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use seedbed::evaluate::{Evaluation, Outcome};

use crate::support::machine::Machine;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKUEPF1CklvNrZAJqOlJJDDF3uXiTRHZnpKfdVsLAp4K";

/// A directory with a spec.
struct Checkout(tempfile::TempDir);

impl Checkout {
    fn of(spec: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("seedbed.yaml"), spec).unwrap();
        Self(directory)
    }

    /// With one node that exists.
    fn of_node(node: &str, more: &str) -> Self {
        Self::of(&format!("cluster: demo\nmachines: {{provider: existing}}\nnodes:\n{node}{more}"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
        command.args(arguments).args(["--report", "lines"]).current_dir(self.path()).stdin(Stdio::null());
        command.env("XDG_CACHE_HOME", self.path().join("cache"));
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.command(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn start(&self, arguments: &[&str]) -> Running {
        let mut child =
            self.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0).spawn().unwrap();
        let talk = BufReader::new(child.stderr.take().unwrap());
        Running { child, talk, said: String::new() }
    }
}

/// A seedbed under way; it ends with the test.
struct Running {
    child: Child,
    talk: BufReader<ChildStderr>,
    said: String,
}

impl Running {
    /// Reads what it says until a line has this in it.
    fn until(&mut self, wanted: &str) {
        while !self.said.lines().next_back().is_some_and(|line| line.contains(wanted)) {
            let read = self.talk.read_line(&mut self.said).unwrap();
            assert_ne!(read, 0, "it never said {wanted:?}: {}", self.said);
        }
    }

    fn interrupt(&self) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    }

    /// Waits for its end: the exit code, and all that it said.
    fn end(&mut self) -> (Option<i32>, &str) {
        self.talk.read_to_string(&mut self.said).unwrap();
        (self.child.wait().unwrap().code(), &self.said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_interrupted_down_ends_after_the_task_under_way_and_is_continued() {
    let machine = Machine::start();
    let before = machine.listing();
    // Its services take their time to stop.
    machine.run(
        "set -e; mkdir -p /etc/seedbed/made; echo demo >/etc/seedbed/cluster; \
         echo 0b2e1a52-7f1c-4f6e-9a55-1d3c5b7e9f00 >/etc/seedbed/cluster-id; \
         cp /usr/local/bin/systemctl /run/systemctl; sed -i '2i case $1 in disable) touch /run/stopping; \
         until [ -e /run/go ]; do sleep 0.1; done ;; esac' /usr/local/bin/systemctl",
    );
    let checkout = Checkout::of_node(&machine.node("cp", "control-plane"), "");
    let mut down = checkout.start(&["down", "--discard-commits"]);
    machine.run("until [ -e /run/stopping ]; do sleep 0.1; done");
    down.interrupt();
    down.until("interrupted: ending what is under way");
    machine.run("touch /run/go");
    let (code, talk) = down.end();
    assert!(code == Some(130) && talk.contains("`seedbed down` continues where this stopped"), "{code:?}: {talk}");
    machine.run("test -e /etc/seedbed/cluster-id; cp /run/systemctl /usr/local/bin/systemctl");
    let (code, talk) = checkout.run(&["down", "--discard-commits"]);
    assert_eq!(code, 0, "{talk}");
    assert_eq!(machine.listing(), before, "the machine is as it was");
}

#[test]
fn an_interruption_ends_a_wait_for_a_machine_that_never_answers() {
    // It takes connections, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let node = format!(
        "  - {{name: cp, role: control-plane, address: 127.0.0.1, port: {}, user: root, hostKey: {KEY}}}\n",
        silent.local_addr().unwrap().port()
    );
    let checkout = Checkout::of_node(&node, "");
    let mut down = checkout.start(&["down", "--discard-commits"]);
    drop(silent.accept().unwrap());
    down.until("SSH to cp at 127.0.0.1");
    let _second = silent.accept().unwrap();
    down.interrupt();
    let (code, talk) = down.end();
    assert_eq!(code, Some(130), "{talk}");
    assert!(!talk.contains("cannot reach"), "it did not wait until the deadline: {talk}");
}

#[test]
fn the_second_of_two_says_who_works_on_the_cluster_and_since_when() {
    // A mirror that takes connections, and never answers.
    let mirror = TcpListener::bind("127.0.0.1:0").unwrap();
    let node = format!("  - {{name: cp, role: control-plane, address: 127.0.0.1, user: root, hostKey: {KEY}}}\n");
    let bases = ["dl.k8s.io", "github.com", "registry.k8s.io", "ghcr.io"]
        .map(|base| format!("https://{base}: http://{}", mirror.local_addr().unwrap()));
    let checkout =
        Checkout::of_node(&node, &format!("artifacts: {{source: mirror, mirrors: {{{}}}}}\n", bases.join(", ")));
    let mut first = checkout.start(&["up"]);
    first.until("artifacts");
    for second in ["up", "down"] {
        let (code, talk) = checkout.run(&[second]);
        let holder = format!("the lock is held by `seedbed up`, process {}, since 20", first.child.id());
        assert!(code == 4 && talk.contains(&holder), "{second}: {code}: {talk}");
    }
    first.interrupt();
    assert_eq!(first.end().0, Some(130));
    let mut again = checkout.start(&["up"]);
    again.until("artifacts");
}

#[test]
fn a_libvirt_that_may_not_be_used_is_refused_with_what_mends_it() {
    let checkout = Checkout::of("");
    let socket = checkout.path().join("libvirt-sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, PermissionsExt::from_mode(0o000)).unwrap();
    let spec = format!(
        "cluster: demo\nmachines: {{emulation: allow, uri: \"qemu+unix:///system?socket={}\"}}\n\
         nodes: [{{name: cp, role: control-plane}}]\n",
        socket.display()
    );
    std::fs::write(checkout.path().join("seedbed.yaml"), spec).unwrap();
    let seedbed = checkout.command(&["up"]);
    // Root may use every socket, unless it has lost that power.
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all"]).arg(seedbed.get_program()).args(seedbed.get_args());
    if !nix::unistd::geteuid().is_root() {
        command = seedbed;
    }
    let output = command.current_dir(checkout.path()).stdin(Stdio::null()).output().unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{talk}");
    assert!(talk.contains("Permission denied") && talk.contains("sudo adduser $USER libvirt"), "{talk}");
}

#[test]
fn a_run_that_fails_is_in_the_evaluation_and_the_next_one_follows() {
    let checkout = Checkout::of(
        "cluster: demo\nmachines: {emulation: allow, uri: \"qemu+unix:///system?socket=/nowhere\"}\n\
         nodes: [{name: cp, role: control-plane}]\ngitops: {source: lab/gitops, path: clusters/demo}\n",
    );
    let (code, talk) = checkout.run(&["init", "lab", "--name", "demo"]);
    assert_eq!(code, 0, "{talk}");
    let (code, talk) = checkout.run(&["evaluate", "--only", "runs,drift", "--runs", "2", "--write", "results"]);
    assert!(code == 6 && talk.contains("run 2 of 2"), "{code}: {talk}");
    let text = std::fs::read_to_string(checkout.path().join("results/evaluation.json")).unwrap();
    let evaluation: Evaluation = serde_json::from_str(&text).unwrap();
    let told: Vec<(&str, Outcome)> = evaluation.cases.iter().map(|case| (case.name.as_str(), case.outcome)).collect();
    let (failed, skipped) = (Outcome::Failed, Outcome::Skipped);
    assert_eq!(
        told,
        [
            ("run 1", failed),
            ("run 2", failed),
            ("the same revisions", skipped),
            ("the same objects applied", skipped),
            ("the same images by digest", skipped),
            ("drift", skipped),
        ]
    );
    assert!(evaluation.cases[1].detail.contains("/nowhere"), "{}", evaluation.cases[1].detail);
    let (code, talk) = checkout.run(&["evaluate", "--only", "runs"]);
    assert!(code == 2 && talk.contains("--runs 3"), "{code}: {talk}");
}
