//! Pulls an image from a registry by the distribution API into an OCI archive.
//!
//! See <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>.

mod token;

use std::fs::File;

use engine::digest;
use engine::event::Step;
use engine::failure::{Failure, Result};
use reqwest::header::{ACCEPT, AUTHORIZATION};
use serde::Deserialize;
use serde_json::json;

use super::Upstream;
use crate::artifact::archive;
use crate::artifact::catalog::Artifact;
use crate::artifact::store::Blob;

/// The manifests that are understood.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Where an image is pulled from.
pub struct Image {
    /// The registry's address, as the mirrors have it.
    registry: String,
    repository: String,
    tag: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    media_type: Option<String>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    digest: String,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    os: String,
    architecture: String,
}

impl Image {
    /// Takes a full reference apart; `address` rewrites the registry's base.
    pub fn parse(reference: &str, address: impl Fn(&str) -> Result<String>) -> Result<Self> {
        let wrong = || Failure::other(format!("`{reference}` is no full image reference"));
        let (host, rest) = reference.split_once('/').ok_or_else(wrong)?;
        let (repository, tag) = rest.rsplit_once(':').ok_or_else(wrong)?;
        // Docker's registry answers at another name than its images have.
        let host = if host == "docker.io" { "registry-1.docker.io" } else { host };
        let registry = address(&format!("https://{host}"))?;
        Ok(Self { registry, repository: repository.to_owned(), tag: tag.to_owned() })
    }

    /// The address that answers whether the registry is there.
    pub fn base(&self) -> String {
        format!("{}/v2/", self.registry)
    }

    fn manifest(&self, name: &str) -> String {
        format!("{}/v2/{}/manifests/{name}", self.registry, self.repository)
    }

    fn blob(&self, digest: &str) -> String {
        format!("{}/v2/{}/blobs/{digest}", self.registry, self.repository)
    }
}

impl Upstream<'_> {
    /// Pulls an image for linux/amd64. Everything below the tag is checked by its digest.
    pub(super) async fn pull(&self, artifact: &Artifact, image: &Image, step: &Step) -> Result<Blob> {
        let token = token::ask(&self.client, &image.manifest(&image.tag)).await?;
        let get = |url: String| {
            let token = token.clone();
            move |client: &reqwest::Client| {
                let request = client.get(&url).header(ACCEPT, MANIFESTS);
                if let Some(token) = &token {
                    request.header(AUTHORIZATION, format!("Bearer {token}"))
                } else {
                    request
                }
            }
        };
        let mut bytes = self.bytes(get(image.manifest(&image.tag)), step).await?;
        let mut manifest = parse(&bytes, image)?;
        if !manifest.manifests.is_empty() {
            let chosen = manifest.manifests.iter().find(|one| one.platform.as_ref().is_some_and(Platform::fits));
            let chosen =
                chosen.ok_or_else(|| Failure::other(format!("{} has no image for linux/amd64", image.repository)))?;
            bytes = self.bytes(get(image.manifest(&chosen.digest)), step).await?;
            check(&chosen.digest, &digest::of_bytes(&bytes), image)?;
            manifest = parse(&bytes, image)?;
        }
        let mut blobs = Vec::new();
        for blob in manifest.config.iter().chain(&manifest.layers) {
            // Named by its content, so that the next run finds what this one left; images side by side may share it.
            let name = format!("{}-{}.part", blob.digest.replace([':', '/'], "-"), artifact.name);
            let path = self.store.work_root()?.join(name);
            let found = self.to_file(get(image.blob(&blob.digest)), &path, step).await?;
            check(&blob.digest, &found.digest, image).inspect_err(|_| drop(std::fs::remove_file(&path)))?;
            blobs.push((path, found));
        }
        let work = self.store.work(&artifact.name)?;
        let reference = artifact.reference.clone().unwrap_or_default();
        let media_type = manifest.media_type.as_deref().unwrap_or("application/vnd.oci.image.manifest.v1+json");
        let output = work.path().join("image.tar");
        let write = || {
            let mut tar = archive::create(&output)?;
            let digest = format!("sha256:{}", digest::of_bytes(&bytes));
            let top = json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() });
            archive::layout(&mut tar, &reference, top)?;
            tar.blob(&bytes)?;
            blobs.dedup_by(|a, b| a.1.digest == b.1.digest);
            for (path, blob) in &blobs {
                tar.stream(&format!("blobs/sha256/{}", blob.digest), 0o644, blob.size, &mut File::open(path)?)?;
            }
            archive::finish(tar)
        };
        let blob = tokio::task::block_in_place(write)
            .map_err(|error| Failure::other(format!("cannot write the image {reference}")).because(&error))?;
        self.store.adopt(&output, &blob)?;
        for (path, _) in &blobs {
            let _ = std::fs::remove_file(path);
        }
        Ok(blob)
    }
}

impl Platform {
    fn fits(&self) -> bool {
        self.os == "linux" && self.architecture == "amd64"
    }
}

fn parse(bytes: &[u8], image: &Image) -> Result<Manifest> {
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::other(format!("the manifest of {} does not parse", image.repository)).because(&error))
}

fn check(expected: &str, found: &str, image: &Image) -> Result<()> {
    if expected.strip_prefix("sha256:") == Some(found) {
        return Ok(());
    }
    let failure =
        Failure::refused(format!("{} of {} has another content than its digest says", expected, image.repository));
    Err(failure.cause(format!("found sha256:{found}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_becomes_addresses_of_its_mirror() {
        let image = Image::parse("registry.k8s.io/coredns/coredns:v1.14.6", |base| {
            assert_eq!(base, "https://registry.k8s.io");
            Ok("http://127.0.0.1:5000".into())
        });
        let image = image.unwrap();
        assert_eq!(image.manifest("v1.14.6"), "http://127.0.0.1:5000/v2/coredns/coredns/manifests/v1.14.6");
    }

    #[test]
    fn a_short_name_is_refused() {
        assert!(Image::parse("nginx", |base| Ok(base.to_owned())).is_err());
    }
}
