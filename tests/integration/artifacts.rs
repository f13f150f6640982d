//! Where artifacts come from when it is not a mirror, and what stands in their place.

use std::collections::BTreeMap;
use std::io::Write as _;

use engine::digest;
use engine::event::{EventKind, Events};
use engine::failure::Failure;
use seedbed::artifact::{Bits, Catalog, Origin, Store};
use seedbed::spec::{ArtifactSource, Artifacts};

struct Sources {
    _directory: tempfile::TempDir,
    store: Store,
    settings: Artifacts,
}

impl Sources {
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

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_a_mirror_is_an_error_that_names_it() {
    let failure = Sources::new(&[]).ensure(&["kubelet"]).await.unwrap_err();
    assert_eq!(failure.what, "no mirror is given for https://dl.k8s.io/v1.36.3/bin/linux/amd64/kubelet");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_upstream_does_not_give_is_built_and_said() {
    // Nothing listens on port 1.
    let mut sources = Sources::new(&[("https://github.com", "http://127.0.0.1:1")]);
    sources.settings.source = ArtifactSource::Auto;
    let (events, received) = Events::new();
    let step = events.step("artifacts");
    let catalog = Catalog::load().unwrap();
    let ensure = sources.store.ensure(&catalog, &["flannel-manifest"], &sources.settings, &step);
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
    let mut sources = Sources::new(&[]);
    sources.settings.overrides.insert("kubelet".into(), file.path().to_owned());
    let bits = sources.ensure(&["kubelet"]).await.unwrap();
    let kubelet = bits.get("kubelet").unwrap();
    assert_eq!((kubelet.origin, kubelet.size), (Origin::Override, 10));
    assert_eq!(kubelet.digest, digest::of_bytes(b"my kubelet"));
}
