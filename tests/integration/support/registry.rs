//! The real registry on loopback, and images pushed into it as they are published.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine::digest;
use serde_json::{Value, json};

use super::programs::program;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry that ends with the test.
pub struct Registry {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
    storage: PathBuf,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Registry {
    /// Starts one that keeps its content in a directory.
    pub fn start(directory: &Path) -> Self {
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
        let registry = Self { child, address: format!("127.0.0.1:{port}"), storage };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < deadline, "the registry does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        registry
    }

    /// Pushes an archive's image under a tag, as upstream publishes images: an index of one image for each platform.
    pub async fn publish(&self, archive: &Archive, repository: &str, tag: &str) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::new();
        let manifest = archive.manifest();
        for blob in std::iter::once(&manifest["config"]).chain(manifest["layers"].as_array().unwrap()) {
            self.blob(&client, repository, archive.blob(blob)).await;
        }
        let mut other = manifest.clone();
        other["annotations"] = json!({ "platform": "another" });
        let other = other.to_string();
        let mut descriptors = Vec::new();
        for (architecture, bytes) in [("arm64", other.as_bytes()), ("amd64", archive.manifest_bytes())] {
            let mut descriptor = self.manifest(&client, repository, None, bytes).await;
            descriptor["platform"] = json!({ "os": "linux", "architecture": architecture });
            descriptors.push(descriptor);
        }
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": descriptors });
        self.manifest(&client, repository, Some(tag), index.to_string().as_bytes()).await;
    }

    /// The file in which the registry keeps a blob.
    pub fn stored(&self, digest: &str) -> PathBuf {
        let digest = digest.trim_start_matches("sha256:");
        self.storage.join(format!("docker/registry/v2/blobs/sha256/{}/{digest}/data", &digest[..2]))
    }

    async fn blob(&self, client: &reqwest::Client, repository: &str, bytes: &[u8]) {
        let begun =
            client.post(format!("http://{}/v2/{repository}/blobs/uploads/", self.address)).send().await.unwrap();
        let place = begun.headers()["location"].to_str().unwrap();
        let joint = if place.contains('?') { '&' } else { '?' };
        let url = format!("{place}{joint}digest=sha256:{}", digest::of_bytes(bytes));
        let put = client.put(url).body(bytes.to_vec()).send().await.unwrap();
        assert!(put.status().is_success(), "{put:?}");
    }

    /// Pushes a manifest by its tag, or by its digest, and returns its descriptor.
    async fn manifest(&self, client: &reqwest::Client, repository: &str, tag: Option<&str>, bytes: &[u8]) -> Value {
        let parsed: Value = serde_json::from_slice(bytes).unwrap();
        let media_type = parsed["mediaType"].as_str().unwrap().to_owned();
        let digest = format!("sha256:{}", digest::of_bytes(bytes));
        let url = format!("http://{}/v2/{repository}/manifests/{}", self.address, tag.unwrap_or(&digest));
        let put = client.put(url).header("content-type", &media_type).body(bytes.to_vec()).send().await.unwrap();
        assert!(put.status().is_success(), "{put:?}");
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    }
}

/// An OCI archive: its files by name.
pub struct Archive(BTreeMap<String, Vec<u8>>);

impl Archive {
    pub fn read(path: &Path) -> Self {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(std::fs::File::open(path).unwrap()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), bytes);
        }
        Self(files)
    }

    /// What its index says of its one image.
    pub fn named(&self) -> Value {
        let index: Value = serde_json::from_slice(&self.0["index.json"]).unwrap();
        index["manifests"][0].clone()
    }

    pub fn manifest_bytes(&self) -> &[u8] {
        self.blob(&self.named())
    }

    pub fn manifest(&self) -> Value {
        serde_json::from_slice(self.manifest_bytes()).unwrap()
    }

    /// The content that a descriptor names.
    pub fn blob(&self, descriptor: &Value) -> &[u8] {
        let digest = descriptor["digest"].as_str().unwrap().replace(':', "/");
        &self.0[&format!("blobs/{digest}")]
    }

    /// The digest of its largest layer.
    pub fn layer(&self) -> String {
        let manifest = self.manifest();
        let layers = manifest["layers"].as_array().unwrap();
        let largest = layers.iter().max_by_key(|layer| layer["size"].as_u64()).unwrap();
        largest["digest"].as_str().unwrap().to_owned()
    }
}
