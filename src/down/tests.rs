//! What `down` does to libvirt's objects, against its test driver in the file that each connection begins with.

use engine::event::Events;

use super::*;

const ID: &str = "0b2e1a52-7f1c-4f6e-9a55-1d3c5b7e9f00";

/// A cluster whose libvirt has its pool with the control plane's disk, and `objects`.
struct World {
    directory: tempfile::TempDir,
    cluster: Cluster,
}

impl World {
    fn with(machine: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let id = ID.parse().unwrap();
        let mark = format!(
            "<metadata><seedbed:it xmlns:seedbed='https://seedbed.dev/xmlns/1' cluster='demo' id='{ID}' spec='5ec' \
             node='cp' role='control-plane' address='127.0.0.1' host-key='ssh-ed25519 AAAA'/></metadata>"
        );
        let network = format!("<network><name>seedbed-demo</name>{mark}<bridge name='sb-demo'/></network>");
        let domain = format!(
            "<domain type='test'><name>demo-cp</name><uuid>6f2f4a1e-2c3f-4d6a-8a52-0123456789ab</uuid>{mark}\
             <memory>1048576</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>"
        );
        let pool = format!(
            "<pool type='dir'><name>{}</name><uuid>{}</uuid><target><path>/nowhere</path></target>\
             <volume><name>demo-cp.qcow2</name><capacity>1</capacity></volume></pool>",
            crate::machine::pool_name("demo", id),
            crate::machine::pool_uuid(id),
        );
        let domain = if machine { domain } else { String::new() };
        let objects = directory.path().join("libvirt.xml");
        std::fs::write(&objects, format!("<node>{domain}{network}{pool}</node>")).unwrap();
        let uri = format!("test://{}", objects.display());
        let text = format!("cluster: demo\nmachines: {{uri: \"{uri}\"}}\nnodes: [{{name: cp, role: control-plane}}]\n");
        let cluster = spec::parse(&text, directory.path().join("seedbed.yaml")).unwrap();
        Self { directory, cluster }
    }

    async fn down(&self, terms: Terms) -> Result<()> {
        let step = Events::ignored().step("down");
        down(&self.cluster, &State::of(&self.cluster), &terms, &step, &CancellationToken::new()).await
    }
}

#[tokio::test]
async fn a_disk_whose_machine_was_undefined_is_not_deleted_unasked() {
    let world = World::with(false);
    let failure = world.down(Terms::default()).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused);
    assert!(failure.what.contains("demo-cp") && failure.hints[0].contains("--discard-commits"), "{failure:?}");
    world.down(Terms { discard_commits: true, ..Terms::default() }).await.unwrap();
    assert!(world.directory.path().exists());
}
