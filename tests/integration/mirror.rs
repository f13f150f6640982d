//! `seedbed artifacts fetch` from a mirror on loopback: real programs in the layout of dl.k8s.io and GitHub, with
//! checksums as these publish them, and real images in the real registry.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use engine::digest;

use crate::support::cut::Cut;
use crate::support::files::Files;
use crate::support::programs::program;
use crate::support::registry::{Archive, Registry};

const BINARIES: &str = "/v1.36.3/bin/linux/amd64";
const REGISTRY: &str = "/distribution/distribution/releases/download/v3.0.0/registry_3.0.0_linux_amd64.tar.gz";
const FLUX: &str = "/fluxcd/source-controller/releases/download/v1.9.5";

/// A workstation with a store of its own, and a spec that takes everything from mirrors.
struct Workstation(tempfile::TempDir);

impl Workstation {
    fn new(mirrors: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut spec = "cluster: demo\nnodes: [{name: cp, role: control-plane}]\n\
                        artifacts:\n  source: mirror\n  mirrors:\n"
            .to_owned();
        for (from, to) in mirrors {
            spec.push_str(&format!("    https://{from}: http://{to}\n"));
        }
        std::fs::write(directory.path().join("seedbed.yaml"), spec).unwrap();
        Self(directory)
    }

    /// Runs `seedbed artifacts`, and returns its exit code and all it said.
    fn artifacts(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
        command.arg("artifacts").args(arguments).args(["--report", "lines"]);
        command.env("XDG_CACHE_HOME", self.path("cache")).current_dir(self.0.path()).stdin(Stdio::null());
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Fetches some artifacts.
    fn fetch(&self, names: &[&str]) -> (i32, String) {
        let only = names.iter().flat_map(|name| ["--only", name]);
        self.artifacts(&["fetch"].into_iter().chain(only).collect::<Vec<_>>())
    }

    /// Copies an artifact out of the store, which must have it.
    fn copy(&self, name: &str) -> PathBuf {
        let (code, talk) = self.artifacts(&["copy", "out", name, "--source", "upstream"]);
        assert_eq!(code, 0, "{talk}");
        assert!(!talk.contains("download"), "it was not in the store: {talk}");
        let file = if name.ends_with("-crds") { format!("{name}.yaml") } else { name.to_owned() };
        self.path("out").join(file)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What lies in a directory of the store.
    fn stored(&self, directory: &str) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.path("cache/seedbed").join(directory)) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// A file and its checksum, as dl.k8s.io has them: the digest alone.
fn kubernetes(files: &mut BTreeMap<String, Vec<u8>>, name: &str, bytes: Vec<u8>) {
    files.insert(format!("{BINARIES}/{name}.sha256"), digest::of_bytes(&bytes).into_bytes());
    files.insert(format!("{BINARIES}/{name}"), bytes);
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(program(name)).unwrap()
}

/// A release's archive of one program.
fn release(name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    tar.append_path_with_name(program(name), name).unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

fn same(one: &Path, other: &Path) {
    assert_eq!(digest::of_file(one).unwrap(), digest::of_file(other).unwrap(), "{}", one.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_manifests_and_images_come_from_the_mirror_once_and_are_what_was_published() {
    let mut files = BTreeMap::new();
    kubernetes(&mut files, "kubeadm", read("kubeadm"));
    let archive = release("registry");
    let checksum = format!("{}  registry_3.0.0_linux_amd64.tar.gz\n", digest::of_bytes(&archive));
    files.insert(format!("{REGISTRY}.sha256"), checksum.into_bytes());
    files.insert(REGISTRY.to_owned(), archive);
    // One list for all files of a release.
    let manifests =
        [("crds", read("source-controller-crds.yaml")), ("deployment", read("source-controller-deployment.yaml"))];
    let mut list = String::new();
    for (name, bytes) in manifests {
        list.push_str(&format!("{}  source-controller.{name}.yaml\n", digest::of_bytes(&bytes)));
        files.insert(format!("{FLUX}/source-controller.{name}.yaml"), bytes);
    }
    files.insert(format!("{FLUX}/source-controller_1.9.5_checksums.txt"), list.into_bytes());
    let files = Files::serve(files);
    let directory = tempfile::tempdir().unwrap();
    let registry = Registry::start(directory.path());
    let published = Archive::read(&program("kube-scheduler"));
    registry.publish(&published, "kube-scheduler", "v1.36.3").await;
    registry.publish(&Archive::read(&program("pause")), "pause", "3.10.2").await;

    let workstation = Workstation::new(&[
        ("dl.k8s.io", &files.address),
        ("github.com", &files.address),
        ("registry.k8s.io", &registry.address),
    ]);
    let wanted = ["kubeadm", "registry", "source-controller-crds", "kube-scheduler", "pause"];
    let (code, talk) = workstation.fetch(&wanted);
    assert_eq!(code, 0, "{talk}");
    assert!(!talk.contains("build"), "{talk}");
    for name in ["kubeadm", "registry"] {
        same(&workstation.copy(name), &program(name));
    }
    same(&workstation.copy("source-controller-crds"), &program("source-controller-crds.yaml"));
    let version = Command::new(workstation.copy("kubeadm")).args(["version", "-o", "short"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&version.stdout).trim(), "v1.36.3");
    let pulled = Archive::read(&workstation.copy("kube-scheduler"));
    assert_eq!(
        pulled.named()["annotations"]["org.opencontainers.image.ref.name"],
        "registry.k8s.io/kube-scheduler:v1.36.3"
    );
    assert_eq!(pulled.manifest_bytes(), published.manifest_bytes(), "the image of this platform");
    for layer in published.manifest()["layers"].as_array().unwrap() {
        assert_eq!(pulled.blob(layer), published.blob(layer));
    }
    assert_eq!(workstation.stored("work"), [] as [PathBuf; 0], "nothing is left behind");

    let asked = files.requests();
    drop(registry);
    let (code, talk) = workstation.fetch(&wanted);
    assert_eq!((code, files.requests()), (0, asked), "a second run fetches nothing: {talk}");
}

#[test]
fn a_program_without_its_published_checksum_is_refused_and_thrown_away() {
    let mut files = BTreeMap::new();
    kubernetes(&mut files, "kubectl", read("kubectl"));
    if let Some(bytes) = files.get_mut(&format!("{BINARIES}/kubectl")) {
        bytes[1_000_000] ^= 1;
    }
    let files = Files::serve(files);
    let workstation = Workstation::new(&[("dl.k8s.io", &files.address)]);
    let (code, talk) = workstation.fetch(&["kubectl"]);
    let what = format!("http://{}{BINARIES}/kubectl has not the published checksum", files.address);
    assert!(code == 4 && talk.contains(&what) && talk.contains("published is "), "{code}: {talk}");
    assert_eq!((workstation.stored("work"), workstation.stored("blobs/sha256")), (Vec::new(), Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_was_altered_in_the_registry_is_refused_and_thrown_away() {
    let directory = tempfile::tempdir().unwrap();
    let registry = Registry::start(directory.path());
    let published = Archive::read(&program("pause"));
    registry.publish(&published, "pause", "3.10.2").await;
    let layer = registry.stored(&published.layer());
    let mut bytes = std::fs::read(&layer).unwrap();
    bytes[2000] ^= 1;
    std::fs::write(&layer, bytes).unwrap();
    let workstation = Workstation::new(&[("registry.k8s.io", &registry.address)]);
    let (code, talk) = workstation.fetch(&["pause"]);
    let what = format!("{} of pause has another content than its digest says", published.layer());
    assert!(code == 4 && talk.contains(&what), "{code}: {talk}");
    let left = workstation.stored("work");
    assert!(!left.iter().any(|file| file.to_string_lossy().contains(&published.layer().replace(':', "-"))), "{left:?}");
}

#[test]
fn a_download_that_broke_off_is_resumed_in_the_same_run() {
    let mut files = BTreeMap::new();
    kubernetes(&mut files, "kubectl", read("kubectl"));
    let files = Files::serve(files);
    let cut = Cut::once(&files.address, 20 << 20);
    let workstation = Workstation::new(&[("dl.k8s.io", &cut.address)]);
    let (code, talk) = workstation.fetch(&["kubectl"]);
    assert!(code == 0 && talk.contains("trying again"), "{code}: {talk}");
    let resumed = cut.resumed_at();
    assert!(resumed.len() == 1 && resumed[0] > 1_000_000, "{resumed:?}");
    same(&workstation.copy("kubectl"), &program("kubectl"));
}

#[test]
fn a_download_that_could_not_end_is_resumed_by_the_next_run() {
    let mut files = BTreeMap::new();
    kubernetes(&mut files, "kubectl", read("kubectl"));
    let files = Files::serve(files);
    let cut = Cut::until_mended(&files.address, 20 << 20);
    let workstation = Workstation::new(&[("dl.k8s.io", &cut.address)]);
    resumes(&workstation, &cut, "kubectl");
    same(&workstation.copy("kubectl"), &program("kubectl"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_could_not_end_is_resumed_by_the_next_run() {
    let directory = tempfile::tempdir().unwrap();
    let registry = Registry::start(directory.path());
    let published = Archive::read(&program("kube-scheduler"));
    registry.publish(&published, "kube-scheduler", "v1.36.3").await;
    let cut = Cut::until_mended(&registry.address, 20 << 20);
    let workstation = Workstation::new(&[("registry.k8s.io", &cut.address)]);
    resumes(&workstation, &cut, "kube-scheduler");
    let pulled = Archive::read(&workstation.copy("kube-scheduler"));
    assert_eq!(pulled.manifest_bytes(), published.manifest_bytes());
    assert_eq!(workstation.stored("work"), [] as [PathBuf; 0]);
}

/// Fetches while the way is cut, and again after it was mended: from where the first run came to.
fn resumes(workstation: &Workstation, cut: &Cut, name: &str) {
    let (code, talk) = workstation.fetch(&[name]);
    assert!(code == 1 && cut.is_broken(), "{code}: {talk}");
    let longest = workstation.stored("work").iter().map(|file| file.metadata().unwrap().size()).max().unwrap();
    assert!(longest > 1_000_000, "{longest} bytes were kept");
    cut.mend();
    let (code, talk) = workstation.fetch(&[name]);
    assert_eq!(code, 0, "{talk}");
    assert_eq!(cut.resumed_at().last().copied().and_then(|start| u64::try_from(start).ok()), Some(longest));
}
