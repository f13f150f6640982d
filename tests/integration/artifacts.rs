//! Artifacts from a mirror on loopback, in the layout that upstream has.

use std::collections::BTreeMap;
use std::io::Write as _;

use engine::event::{EventKind, Events};
use engine::failure::Failure;
use seedbed::artifact::{Bits, Catalog, Kind, Origin, Store};
use seedbed::spec::{ArtifactSource, Artifacts};
use sha2::{Digest as _, Sha256};

use crate::support::files::Files;

const KUBELET: &str = "/v1.36.3/bin/linux/amd64/kubelet";
const PLUGINS: &str = "/containernetworking/plugins/releases/download/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz";

struct Mirrored {
    _directory: tempfile::TempDir,
    store: Store,
    settings: Artifacts,
}

impl Mirrored {
    fn new(mirrors: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mirrors = mirrors.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        let settings = Artifacts { source: ArtifactSource::Mirror, mirrors, overrides: BTreeMap::new() };
        Self { store: Store::open(directory.path().join("store")), _directory: directory, settings }
    }

    async fn ensure(&self, wanted: &[&str]) -> Result<Bits, Failure> {
        let step = Events::ignored().step("artifacts");
        self.store.ensure(&Catalog::load().unwrap(), wanted, &self.settings, &step).await
    }
}

fn checksum(bytes: &[u8]) -> Vec<u8> {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digits}\n").into_bytes()
}

fn published(path: &str, extension: &str, bytes: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    BTreeMap::from([(format!("{path}{extension}"), checksum(&bytes)), (path.to_owned(), bytes)])
}

fn archive(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o755);
    tar.append_data(&mut header, name, bytes).unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_fetched_once_and_checked() {
    let server = Files::serve(published(KUBELET, ".sha256", b"a kubelet".to_vec()), None);
    let mirrored = Mirrored::new(&[("https://dl.k8s.io", &server.address)]);
    let bits = mirrored.ensure(&["kubelet"]).await.unwrap();
    let kubelet = bits.get("kubelet").unwrap();
    assert_eq!((kubelet.kind, kubelet.origin, kubelet.size), (Kind::Binary, Origin::Upstream, 9));
    assert_eq!(std::fs::read(&kubelet.path).unwrap(), b"a kubelet");
    assert_eq!(server.requests(), [format!("{KUBELET}.sha256"), KUBELET.to_owned()]);
    assert_eq!(mirrored.ensure(&["kubelet"]).await.unwrap(), bits);
    assert_eq!(server.requests().len(), 2, "the second run fetches nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_broke_off_is_resumed() {
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let server = Files::serve(published(KUBELET, ".sha256", bytes.clone()), Some(300_000));
    let mirrored = Mirrored::new(&[("https://dl.k8s.io/", &server.address)]);
    let bits = mirrored.ensure(&["kubelet"]).await.unwrap();
    assert_eq!(std::fs::read(bits.path("kubelet").unwrap()).unwrap(), bytes);
    assert_eq!(server.requests()[2], format!("{KUBELET} from 300000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_checksum_is_refused_and_thrown_away() {
    let mut files = published(KUBELET, ".sha256", b"a kubelet".to_vec());
    files.insert(KUBELET.to_owned(), b"altered".to_vec());
    let server = Files::serve(files, None);
    let mirrored = Mirrored::new(&[("https://dl.k8s.io", &server.address)]);
    let failure = mirrored.ensure(&["kubelet"]).await.unwrap_err();
    assert_eq!(failure.what, format!("{}{KUBELET} has not the published checksum", server.address));
    let left = std::fs::read_dir(mirrored.store.root().join("work")).unwrap().count();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_taken_out_of_its_archive() {
    let server = Files::serve(published(PLUGINS, ".sha256", archive("./bridge", b"a bridge")), None);
    let mirrored = Mirrored::new(&[("https://github.com", &server.address)]);
    let bits = mirrored.ensure(&["bridge"]).await.unwrap();
    assert_eq!(std::fs::read(bits.path("bridge").unwrap()).unwrap(), b"a bridge");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_a_mirror_is_an_error_that_names_it() {
    let failure = Mirrored::new(&[]).ensure(&["kubelet"]).await.unwrap_err();
    assert_eq!(failure.what, format!("no mirror is given for https://dl.k8s.io{KUBELET}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_upstream_does_not_give_is_built_and_said() {
    // Nothing listens on port 1.
    let mut mirrored = Mirrored::new(&[("https://github.com", "http://127.0.0.1:1")]);
    mirrored.settings.source = ArtifactSource::Auto;
    let (events, received) = Events::new();
    let step = events.step("artifacts");
    let catalog = Catalog::load().unwrap();
    let ensure = mirrored.store.ensure(&catalog, &["flannel-manifest"], &mirrored.settings, &step);
    let bits = ensure.await.unwrap();
    assert_eq!(bits.get("flannel-manifest").unwrap().origin, Origin::Build);
    assert!(bits.manifest("flannel-manifest").unwrap().contains("kind: DaemonSet"));
    let note =
        received.try_iter().find_map(|event| if let EventKind::Note { text } = event.kind { Some(text) } else { None });
    let note = note.expect("it says that it builds");
    assert!(note.starts_with("building from source, because upstream cannot be reached: "), "{note}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_is_taken_and_its_digest_recorded() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"my kubelet").unwrap();
    let mut mirrored = Mirrored::new(&[]);
    mirrored.settings.overrides.insert("kubelet".into(), file.path().to_owned());
    let bits = mirrored.ensure(&["kubelet"]).await.unwrap();
    let kubelet = bits.get("kubelet").unwrap();
    assert_eq!((kubelet.origin, kubelet.size), (Origin::Override, 10));
    assert_eq!(format!("{}\n", kubelet.digest).into_bytes(), checksum(b"my kubelet"));
}
