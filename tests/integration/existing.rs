//! Machines that exist: what is refused, what is left, and how they are given back.

use std::path::Path;
use std::process::{Command, Stdio};

use engine::event::Events;
use engine::failure::Kind;
use engine::host::{Host, Login, Target};
use seedbed::assets::Assets;
use seedbed::identity::Identity;
use seedbed::phase::claim::claim;
use seedbed::phase::ground::Ground;
use seedbed::phase::play::play;
use seedbed::phase::uncut::Uncut;
use seedbed::plan::{self, Plan, Site};
use seedbed::spec;
use seedbed::state::State;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::git::git;
use crate::support::machine::Machine;
use crate::support::planned::bits;

/// A spec of machines that exist, its repository, and what an `up` would know.
struct World {
    directory: tempfile::TempDir,
    identity: Identity,
    plan: Plan,
}

impl World {
    fn of(nodes: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("source");
        std::fs::create_dir_all(source.join("clusters/demo")).unwrap();
        std::fs::write(source.join("clusters/demo/kustomization.yaml"), "resources: []\n").unwrap();
        git(&source, &["init", "--quiet", "--initial-branch=main"]);
        git(&source, &["add", "--all"]);
        git(&source, &["commit", "--quiet", "-m", "first"]);
        let text = format!(
            "cluster: demo\nmachines: {{provider: existing}}\nnodes:\n{nodes}\
             gitops: {{source: ./source, branch: main, path: clusters/demo}}\n"
        );
        let file = directory.path().join("seedbed.yaml");
        std::fs::write(&file, text).unwrap();
        let cluster = spec::load(&file).unwrap();
        let identity = Identity::make("demo", cluster.nodes.iter().map(|node| node.name.as_str())).unwrap();
        let state = State::of(&cluster);
        drop(state.lock("up").unwrap());
        identity.save(state.directory()).unwrap();
        let plan = plan::make(&cluster, &Site::default(), &identity.public()).unwrap();
        Self { directory, identity, plan }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// What `up` does on a machine: it claims it, and makes the Git host.
    async fn take(&self, machine: &Machine, node: usize) -> engine::failure::Result<()> {
        let step = Events::ignored().step("up");
        let key = std::fs::read_to_string(machine.key()).unwrap();
        let mut target = Target::new("cp", &machine.address, "root", &machine.host_key, Login::Key(key));
        target.port = machine.port;
        let host = Host::connect(&target, &step).await?;
        let (assets, bits, token, uncut) = (Assets::embedded(), bits(), CancellationToken::new(), Uncut::default());
        let (plan, identity) = (&self.plan, &self.identity);
        let ground = Ground { plan, identity, assets: &assets, bits: &bits, token: &token, uncut: &uncut };
        let node = &plan.nodes[node];
        claim(&ground, node, &host).await?;
        let key = "ssh-ed25519 AAAA";
        let Value::Object(variables) = json!({
            "git_repository": "/srv/git/demo.git", "git_branch": "main", "git_flux_key": key,
            "git_automation_key": key, "git_workstation_key": key, "git_webhook": "http://127.0.0.1:1/",
        }) else {
            return Ok(());
        };
        let variables: Map<String, Value> = variables;
        play(&ground, "playbooks/git-host.yaml", node, &host, variables, &step).await.map(drop)
    }

    fn down(&self, more: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
        command.arg("down").args(more).args(["--report", "lines"]).current_dir(self.path()).stdin(Stdio::null());
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }
}

/// Commits to a repository on a machine, as automation in the cluster does.
fn commit(machine: &Machine, branch: &str) -> String {
    let script = format!(
        "set -e; d=$(mktemp -d); cd $d; git init -q -b {branch} .; echo tag >image; \
         git add .; git -c user.name=robot -c user.email=robot@example.invalid commit -qm robot; \
         cp -r .git/objects/. /srv/git/demo.git/objects; git rev-parse HEAD >/srv/git/demo.git/refs/heads/{branch}; \
         git rev-parse HEAD; rm -rf $d"
    );
    machine.run(&script).trim().to_owned()
}

#[tokio::test]
async fn a_machine_is_given_back_as_it_was_with_its_commits_brought_home() {
    let (cp, dead) = (Machine::start(), Machine::start());
    cp.run(
        "echo mine >/usr/local/bin/kubectl; echo mine >/etc/crictl.yaml; mkdir -p /srv/git /etc/containerd /opt/cni; \
         grep -v '^127.0.1.1' /etc/hosts >/tmp/seedbed-hosts; cat /tmp/seedbed-hosts >/etc/hosts; rm /tmp/seedbed-hosts; \
         echo '127.0.1.1 cp' >>/etc/hosts",
    );
    let before = cp.listing();
    // A machine that answers with another key is as good as dead.
    let worker = dead.node("worker", "worker").replace(&dead.host_key, &cp.host_key);
    let world = World::of(&(cp.node("cp", "control-plane") + &worker));
    world.take(&cp, 0).await.unwrap();
    world.take(&cp, 0).await.unwrap();
    let images = commit(&cp, "images");
    // What the other playbooks do, as far as it can be done here.
    cp.run(
        "set -e; mkdir -p /var/lib/seedbed/bits/bin /var/lib/containerd/x /etc/kubernetes /opt/cni/bin /var/log/pods/x; \
         mv /usr/local/bin/kubectl /usr/local/bin/kubectl.before-seedbed; \
         ln -s /var/lib/seedbed/bits/bin/kubectl /usr/local/bin/kubectl; echo ours >/etc/crictl.yaml; \
         echo toml >/etc/containerd/config.toml; sed -i /^127.0.1.1/d /etc/hosts; \
         echo 'apt-daily.timer active' >/etc/seedbed/made/masked-units",
    );
    assert_ne!(cp.listing(), before);
    // Somebody's own, that came later.
    cp.run("mkdir /srv/git/theirs.git && echo theirs >/srv/git/theirs.git/HEAD");

    let (code, talk) = world.down(&[]);
    assert!(code != 0 && talk.contains("worker") && talk.contains("--forget worker"), "{code}: {talk}");
    assert!(world.path().join(".seedbed/demo/identity.json").exists(), "it can be tried again");
    assert_eq!(cp.run("cat /srv/git/theirs.git/HEAD; rm -r /srv/git/theirs.git"), "theirs\n");
    assert_eq!(cp.listing(), before, "the machine is as it was");
    let told = cp.run("cat /run/systemctl.log");
    assert!(told.contains("unmask --quiet apt-daily.timer\nstart --no-block apt-daily.timer"), "{told}");
    let kept = git(&world.path().join("source"), &["for-each-ref", "--format=%(objectname)", "refs/seedbed-kept"]);
    assert_eq!(kept, images);

    let (code, talk) = world.down(&["--forget", "worker"]);
    assert_eq!(code, 0, "{talk}");
    assert!(!world.path().join(".seedbed").exists());
}

#[tokio::test]
async fn a_machine_that_somebody_uses_is_refused_and_left() {
    let machine = Machine::start();
    machine.run("mkdir -p /var/lib/containerd/theirs; mkdir -p /srv/git/theirs.git; useradd -M -d /srv/git git; touch /usr/local/bin/kubectl /etc/crictl.yaml");
    let before = machine.listing();
    let world = World::of(&machine.node("cp", "control-plane"));
    let failure = world.take(&machine, 0).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused);
    assert_eq!(
        failure.causes,
        [
            "/var/lib/containerd is not empty",
            "it has a user git already, with the home /srv/git",
            "/srv/git is not empty"
        ]
    );
    assert_eq!(machine.listing(), before);
    // Nor does `down` take what no `up` had.
    let (code, talk) = world.down(&["--discard-commits"]);
    assert_eq!(code, 0, "{talk}");
    assert_eq!(machine.listing(), before);
}

#[tokio::test]
async fn the_commits_of_a_control_plane_that_is_gone_are_given_up_only_by_name() {
    let (cp, worker) = (Machine::start(), Machine::start());
    worker.run("mkdir -p /etc/seedbed; echo demo >/etc/seedbed/cluster; touch /usr/local/bin/kubectl /etc/crictl.yaml");
    let world = World::of(&(cp.node("cp", "control-plane") + &worker.node("worker", "worker")));
    worker.run(&format!("echo {} >/etc/seedbed/cluster-id", world.identity.id));
    let (code, talk) = world.down(&["--forget", "cp"]);
    assert!(code == 4 && talk.contains("--discard-commits"), "{code}: {talk}");
    worker.run("test -e /etc/seedbed/cluster-id");
    let (code, talk) = world.down(&["--forget", "nobody"]);
    assert!(code == 2 && talk.contains("cp, worker"), "{code}: {talk}");
    let (code, talk) = world.down(&["--forget", "cp", "--discard-commits"]);
    assert_eq!(code, 0, "{talk}");
    worker.run("test ! -e /etc/seedbed");
}

#[tokio::test]
async fn a_machine_of_another_checkout_stays_unless_it_is_named() {
    let machine = Machine::start();
    let world = World::of(&machine.node("cp", "control-plane"));
    world.take(&machine, 0).await.unwrap();
    std::fs::remove_dir_all(world.path().join(".seedbed")).unwrap();
    machine.run("echo /home/me/first/seedbed.yaml >/etc/seedbed/spec");
    let (code, talk) = world.down(&[]);
    assert!(code == 4 && talk.contains("/home/me/first/seedbed.yaml") && talk.contains("--by-name"), "{code}: {talk}");
    machine.run("test -e /srv/git/demo.git/HEAD");
    machine.run(&format!("echo {}/seedbed.yaml >/etc/seedbed/spec", world.path().display()));
    let (code, talk) = world.down(&[]);
    assert_eq!(code, 0, "without its state, from the same directory: {talk}");
    machine.run("test ! -e /etc/seedbed && test ! -e /srv/git");
}
