//! The registry's playbooks on a machine that exists: what they make, what they leave, whose images they take.

use std::process::{Command, Stdio};

use engine::event::Events;
use engine::host::{Host, Login, Target};
use seedbed::assets::Assets;
use seedbed::identity::Identity;
use seedbed::phase::claim::claim;
use seedbed::phase::ground::Ground;
use seedbed::phase::registry;
use seedbed::phase::uncut::Uncut;
use seedbed::plan::{self, Plan, Site};
use seedbed::spec;
use tokio_util::sync::CancellationToken;

use crate::support::machine::Machine;
use crate::support::planned::bits;
use crate::support::programs::program;

/// A service manager that says that the registry runs, and notes what it is told.
const SYSTEMCTL: &str = r#"cat >/usr/local/bin/systemctl <<'END'
#!/bin/sh
echo "$*" >>/run/systemctl.log
case $* in is-active*seedbed-registry*) ;; is-active*) exit 3 ;; esac
END"#;

/// A spec of one machine with a registry, and what an `up` would know.
struct World {
    directory: tempfile::TempDir,
    identity: Identity,
    plan: Plan,
}

impl World {
    fn of(machine: &Machine) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (identity, plan) = planned(&directory, machine);
        Self { directory, identity, plan }
    }

    /// What `up` knows after the state directory went.
    fn anew(self, machine: &Machine) -> Self {
        let (identity, plan) = planned(&self.directory, machine);
        Self { identity, plan, ..self }
    }

    /// What `up` does for the registry; answers whether it altered anything.
    async fn take(&self, machine: &Machine) -> engine::failure::Result<bool> {
        self.on(machine, async |ground, host| {
            let step = Events::ignored().step("up");
            claim(ground, &self.plan.nodes[0], host).await?;
            registry::provision(ground, &self.plan.nodes[0], host, &step).await
        })
        .await
    }

    async fn on<T>(&self, machine: &Machine, work: impl AsyncFnOnce(&Ground<'_>, &Host) -> T) -> T {
        let key = std::fs::read_to_string(machine.key()).unwrap();
        let mut target = Target::new("cp", &machine.address, "root", &machine.host_key, Login::Key(key));
        target.port = machine.port;
        let host = Host::connect(&target, &Events::ignored().step("up")).await.unwrap();
        let (assets, bits, token, uncut) = (Assets::embedded(), bits(), CancellationToken::new(), Uncut::default());
        let (plan, identity) = (&self.plan, &self.identity);
        work(&Ground { plan, identity, assets: &assets, bits: &bits, token: &token, uncut: &uncut }, &host).await
    }

    fn down(&self, more: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
        command.args(["down", "--discard-commits"]).args(more).args(["--report", "lines"]);
        let output = command.current_dir(self.directory.path()).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn planned(directory: &tempfile::TempDir, machine: &Machine) -> (Identity, Plan) {
    let nodes = machine.node("cp", "control-plane");
    let text = format!("cluster: demo\nmachines: {{provider: existing}}\nnodes:\n{nodes}registry: embedded\n");
    let file = directory.path().join("seedbed.yaml");
    std::fs::write(&file, text).unwrap();
    let cluster = spec::load(&file).unwrap();
    let mut identity = Identity::make("demo", ["cp"]).unwrap();
    identity.add_registry("demo").unwrap();
    identity.save(&cluster.state()).unwrap();
    let plan = plan::make(&cluster, &Site::default(), &identity.public()).unwrap();
    (identity, plan)
}

#[tokio::test]
async fn the_registry_is_served_as_its_own_user_and_trusted() {
    let machine = Machine::start();
    machine.run(SYSTEMCTL);
    let world = World::of(&machine);
    assert!(world.take(&machine).await.unwrap());
    let name = &world.plan.registry.as_ref().unwrap().name;
    let modes = machine.run(&format!(
        "cd /; stat -c '%a %U:%G %n' etc/containerd/certs.d/{name}/hosts.toml etc/seedbed/registry \
         etc/seedbed/registry/server.pem etc/seedbed/registry/htpasswd srv/registry srv/registry/data"
    ));
    insta::assert_snapshot!(modes.replace(name, "NAME"), @r"
    600 root:root etc/containerd/certs.d/NAME/hosts.toml
    750 root:seedbed-registry etc/seedbed/registry
    640 root:seedbed-registry etc/seedbed/registry/server.pem
    640 root:seedbed-registry etc/seedbed/registry/htpasswd
    755 root:root srv/registry
    750 seedbed-registry:seedbed-registry srv/registry/data
    ");
    let unit = machine.run("cat /etc/systemd/system/seedbed-registry.service; cat /etc/seedbed/registry/config.yaml");
    insta::assert_snapshot!("the_unit_and_the_configuration", unit);
    assert!(!world.take(&machine).await.unwrap(), "a second run changes nothing");

    // The service as systemd starts it, but for its sandbox and on one address only.
    let place = program("registry");
    machine.run(&format!(
        "cp {} /usr/local/bin/registry; cd /run; sed 's/\":5000\"/\"{name}\"/' /etc/seedbed/registry/config.yaml >config.yaml; \
         OTEL_TRACES_EXPORTER=none setsid setpriv --reuid=seedbed-registry --regid=seedbed-registry --clear-groups \
         /usr/local/bin/registry serve config.yaml </dev/null >registry.log 2>&1 &",
        place.display()
    ));
    let node = &world.plan.nodes[0];
    let step = Events::ignored().step("up");
    let answered = world.on(&machine, async |ground, host| registry::answers(ground, node, host, &step).await).await;
    assert_eq!(answered, Ok(()), "{}", machine.run("cat /run/registry.log"));
}

#[tokio::test]
async fn images_stay_only_where_that_is_asked_and_only_for_the_same_spec() {
    let machine = Machine::start();
    machine.run(SYSTEMCTL);
    machine.run("touch /usr/local/bin/kubectl /etc/crictl.yaml");
    let before = machine.listing();
    let world = World::of(&machine);
    world.take(&machine).await.unwrap();
    machine.run("echo image >/srv/registry/data/blob");
    world.down(&["--keep-images"]);
    machine.run("test -e /srv/registry/data/blob && test ! -e /etc/seedbed && ! getent passwd seedbed-registry");
    // A user of another number must own them then.
    machine.run("useradd --system somebody");

    let theirs = World::of(&machine);
    let failure = theirs.take(&machine).await.unwrap_err();
    let told = format!("{failure} {:?}", failure.evidence);
    assert!(told.contains("holds the images of another cluster: demo"), "{told}");
    theirs.down(&[]);
    machine.run("test -e /srv/registry/data/blob");

    let world = world.anew(&machine);
    assert!(world.take(&machine).await.unwrap());
    assert_eq!(machine.run("stat -c %U /srv/registry/data/blob"), "seedbed-registry\n");
    world.down(&["--keep-images"]);
    // Kept images go with the next `down`, though no cluster was made since.
    let world = world.anew(&machine);
    world.down(&[]);
    machine.run("userdel somebody");
    assert_eq!(machine.listing(), before, "the machine is as it was");
}
