//! An image pulled from a real registry.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine::event::Events;
use seedbed::artifact::{Catalog, Store};
use seedbed::spec::{ArtifactSource, Artifacts};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::programs::program;

/// A registry that ends with the test.
struct Registry {
    child: Child,
    base: String,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Registry {
    fn start(directory: &Path) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let config = directory.join("registry.yml");
        let storage = directory.join("storage");
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\n",
            storage.display()
        );
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(program("registry"));
        let child = command.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let registry = Self { child, base: format!("http://127.0.0.1:{port}") };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < deadline, "the registry does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        registry
    }

    /// Uploads a blob and returns its descriptor.
    async fn blob(&self, client: &reqwest::Client, repository: &str, media_type: &str, bytes: &[u8]) -> Value {
        let digest = digest(bytes);
        let begun = client.post(format!("{}/v2/{repository}/blobs/uploads/", self.base)).send().await.unwrap();
        let place = begun.headers()["location"].to_str().unwrap();
        let joint = if place.contains('?') { '&' } else { '?' };
        let put = client.put(format!("{place}{joint}digest={digest}")).body(bytes.to_vec()).send().await.unwrap();
        assert!(put.status().is_success(), "{put:?}");
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    }

    async fn manifest(&self, client: &reqwest::Client, repository: &str, name: &str, manifest: &Value) -> Value {
        let bytes = manifest.to_string();
        let media_type = manifest["mediaType"].as_str().unwrap().to_owned();
        let url = format!("{}/v2/{repository}/manifests/{name}", self.base);
        let request = client.put(url).header("content-type", &media_type).body(bytes.clone());
        let put = request.send().await.unwrap();
        assert!(put.status().is_success(), "{put:?}");
        json!({ "mediaType": media_type, "digest": digest(bytes.as_bytes()), "size": bytes.len() })
    }
}

fn digest(bytes: &[u8]) -> String {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_pulled_for_its_platform_and_named_by_its_full_reference() {
    let directory = tempfile::tempdir().unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let registry = Registry::start(directory.path());
    let config = b"{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}";
    let config = registry.blob(&client, "pause", "application/vnd.oci.image.config.v1+json", config).await;
    let layer = registry.blob(&client, "pause", "application/vnd.oci.image.layer.v1.tar", b"a layer").await;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [layer],
    });
    let mut descriptor = registry.manifest(&client, "pause", "amd64", &manifest).await;
    descriptor["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [descriptor],
    });
    registry.manifest(&client, "pause", "3.10.2", &index).await;

    let mirrors = BTreeMap::from([("https://registry.k8s.io".to_owned(), registry.base.clone())]);
    let settings = Artifacts { source: ArtifactSource::Mirror, mirrors, overrides: BTreeMap::new() };
    let store = Store::open(directory.path().join("store"));
    let step = Events::ignored().step("artifacts");
    let bits = store.ensure(&Catalog::load().unwrap(), &["pause"], &settings, &step).await.unwrap();

    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(std::fs::File::open(bits.path("pause").unwrap()).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(entry.path().unwrap().display().to_string(), bytes);
    }
    let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
    let named = &index["manifests"][0];
    assert_eq!(named["annotations"]["org.opencontainers.image.ref.name"], "registry.k8s.io/pause:3.10.2");
    assert_eq!(named["digest"], digest(manifest.to_string().as_bytes()));
    let path = format!("blobs/{}", digest(b"a layer").replace(':', "/"));
    assert_eq!(files[&path], b"a layer");
}
