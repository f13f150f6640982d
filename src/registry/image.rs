//! An image as a registry takes it: a manifest, and the blobs that it names.

use std::path::Path;

use engine::failure::{Failure, Result};
use serde::Deserialize;
use serde_json::Value;

use super::archive::{Archive, Piece};
use super::{layout, saved};
use engine::digest;

/// What nodes run.
const ARCHITECTURE: &str = "amd64";

/// One image, for one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What its archive calls it, often with a registry.
    pub name: Option<String>,
    pub media_type: String,
    /// The manifest, byte for byte.
    pub manifest: Vec<u8>,
    /// Its configuration and its layers, each once.
    pub blobs: Vec<Blob>,
}

/// Bytes that are known by their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// `sha256:` and the digits.
    pub digest: String,
    pub piece: Piece,
}

/// What a manifest or an index says of a document, see the OCI image specification.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    pub media_type: Option<String>,
    pub digest: String,
    pub size: u64,
    pub platform: Option<Platform>,
    #[serde(default)]
    pub annotations: std::collections::BTreeMap<String, String>,
    /// Where a layer is that is not given away.
    #[serde(default)]
    pub urls: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
}

impl Platform {
    pub fn fits(&self) -> bool {
        self.os == "linux" && self.architecture == ARCHITECTURE
    }
}

impl Image {
    /// Reads the image of an archive: an OCI layout, or what `docker save` writes. Of several, `wanted` says which.
    pub fn read(archive: &Archive, wanted: Option<&str>) -> Result<Self> {
        // Docker writes both since its version 25; the layout has the manifest as it is in registries.
        if archive.find("index.json").is_some() {
            return layout::read(archive, wanted);
        }
        if archive.find("manifest.json").is_some() {
            return saved::read(archive, wanted);
        }
        Err(Failure::invalid(format!("{} is no image archive", archive.path().display()))
            .cause("it has neither an index.json (OCI layout) nor a manifest.json (`docker save`)"))
    }

    /// The digest by which registries know it.
    pub fn digest(&self) -> String {
        format!("sha256:{}", digest::of_bytes(&self.manifest))
    }
}

/// Refuses an image whose configuration names another processor than the nodes have.
pub fn require_platform(config: &[u8], path: &Path) -> Result<()> {
    let config: Value = serde_json::from_slice(config).unwrap_or_default();
    match config["architecture"].as_str() {
        Some(other) if !other.is_empty() && other != ARCHITECTURE => {
            Err(Failure::invalid(format!("the image of {} is for {other}", path.display()))
                .cause(format!("the nodes are {ARCHITECTURE}"))
                .hint(format!(
                    "Build it for linux/{ARCHITECTURE}: `docker build --platform linux/{ARCHITECTURE} ...`."
                )))
        }
        _ => Ok(()),
    }
}

/// Chooses among several by the name that is asked for.
pub fn choose<'a, T>(
    all: &'a [T],
    name: impl Fn(&T) -> Option<String>,
    wanted: Option<&str>,
    path: &Path,
) -> Result<&'a T> {
    if let [only] = all {
        return Ok(only);
    }
    let asked = |one: &&T| wanted.is_some_and(|wanted| name(one).is_some_and(|name| ends_with(&name, wanted)));
    let mut fitting = all.iter().filter(asked);
    if let (Some(one), None) = (fitting.next(), fitting.next()) {
        return Ok(one);
    }
    if all.is_empty() {
        return Err(Failure::invalid(format!("{} has no image for linux/{ARCHITECTURE}", path.display())));
    }
    let names: Vec<String> = all.iter().map(|one| name(one).unwrap_or_else(|| "one without a name".into())).collect();
    Err(Failure::invalid(format!("{} has several images", path.display())).cause(names.join(", ")).hint(
        "Say which by giving it its own name, as in `seedbed image push FILE NAME:TAG`, or save them one by one.",
    ))
}

/// Whether one reference is the end of another: `sample:1` of `ghcr.io/seedbed/sample:1`.
fn ends_with(name: &str, wanted: &str) -> bool {
    name.strip_suffix(wanted).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}
