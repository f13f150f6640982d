//! The disk of bits, read back with the file system's own tools.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::event::{Events, Step};
use seedbed::artifact::{self, Bits, Catalog, Store};
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

/// containerd and two images, one of them with two layers; built once, in the user's store.
async fn bits(overrides: BTreeMap<String, PathBuf>, step: &Step) -> Bits {
    let settings = Artifacts { source: ArtifactSource::Build, mirrors: BTreeMap::new(), overrides };
    let wanted = ["containerd", "ctr", "pause", "flannel"];
    Store::of_user().unwrap().ensure(&Catalog::load().unwrap(), &wanted, &settings, step).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn root_has_containerd_unpack_images_and_anyone_else_leaves_that_to_nodes() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("store"));
    let step = Events::ignored().step("artifacts");
    let disk = artifact::bits_disk(&store, &bits(BTreeMap::new(), &step).await, &step).await.unwrap();
    let images = ask(&disk, "cat /IMAGES");
    assert!(images.contains("images/pause.tar registry.k8s.io/pause:"), "{images}");
    if !nix::unistd::geteuid().is_root() {
        assert!(ask(&disk, "ls -p /images").contains("pause.tar"));
        return;
    }
    assert!(!ask(&disk, "ls -p /images").contains(".tar"), "{}", ask(&disk, "ls -p /images"));
    let snapshots = "/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";
    // One for each layer: of pause, and two of flannel.
    assert!(ask(&disk, &format!("stat {snapshots}/3/fs")).contains("Type: directory"));
    assert!(ask(&disk, &format!("stat {snapshots}/4")).is_empty());
    // What is left of the content is manifests and configurations.
    let blobs = ask(&disk, "ls -l /containerd/io.containerd.content.v1.content/blobs/sha256");
    let sizes = blobs.lines().filter_map(|line| line.split_whitespace().nth(5)?.parse::<u64>().ok());
    assert!(sizes.clone().count() > 2 && sizes.clone().all(|size| size < 100_000), "{blobs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_containerd_does_not_unpack_is_left_to_nodes() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("store"));
    let file = directory.path().join("pause.tar");
    std::fs::write(&file, "no archive").unwrap();
    let (events, received) = Events::new();
    let step = events.step("artifacts");
    let bits = bits(BTreeMap::from([("pause".to_owned(), file)]), &step).await;
    let disk = artifact::bits_disk(&store, &bits, &step).await.unwrap();
    assert_eq!(ask(&disk, "cat /images/pause.tar"), "no archive");
    let told: Vec<String> = std::iter::from_fn(|| received.try_recv().ok()).map(|event| format!("{event:?}")).collect();
    let why = told
        .iter()
        .any(|event| event.contains("each node unpacks them, which takes longer: containerd does not import"));
    assert!(why || !nix::unistd::geteuid().is_root(), "{told:#?}");
}
