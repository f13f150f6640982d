//! The disk of bits, read back with the file system's own tools.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use engine::event::Events;
use seedbed::artifact::{self, Catalog, Store};
use seedbed::spec::{ArtifactSource, Artifacts};

/// What `debugfs` answers, read-only.
fn ask(disk: &Path, request: &str) -> String {
    let output = Command::new("/usr/sbin/debugfs").args(["-R", request]).arg(disk).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_has_each_bit_in_its_place_and_is_packed_once() {
    let directory = tempfile::tempdir().unwrap();
    let own = |name: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, name).unwrap();
        (name.to_owned(), path)
    };
    let overrides = BTreeMap::from(["kubelet", "cni-flannel", "pause", "flannel-manifest"].map(own));
    let settings = Artifacts { source: ArtifactSource::Build, mirrors: BTreeMap::new(), overrides };
    let store = Store::open(directory.path().join("store"));
    let step = Events::ignored().step("artifacts");
    let wanted = ["kubelet", "cni-flannel", "pause", "flannel-manifest"];
    let bits = store.ensure(&Catalog::load().unwrap(), &wanted, &settings, &step).await.unwrap();
    let disk = artifact::bits_disk(&store, &bits, &step).await.unwrap();

    let manifest = ask(&disk, "cat /MANIFEST");
    let names: Vec<&str> = manifest.lines().filter_map(|line| Some(line.split_once("  ")?.1)).collect();
    assert_eq!(names, ["cni/flannel", "bin/kubelet", "images/pause.tar"]);
    assert!(manifest.starts_with(&bits.get("cni-flannel").unwrap().digest));
    assert_eq!(ask(&disk, "cat /IMAGES"), "images/pause.tar registry.k8s.io/pause:3.10.2\n");
    assert_eq!(ask(&disk, "cat /bin/kubelet"), "kubelet");
    assert!(ask(&disk, "stat /bin/kubelet").contains("Mode:  0755"), "{}", ask(&disk, "stat /bin/kubelet"));

    let packed = std::fs::metadata(&disk).unwrap().modified().unwrap();
    assert_eq!(artifact::bits_disk(&store, &bits, &step).await.unwrap(), disk);
    assert_eq!(std::fs::metadata(&disk).unwrap().modified().unwrap(), packed);
}
