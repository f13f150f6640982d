//! An OCI image layout: <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>.

use engine::failure::{Failure, Result};
use serde::Deserialize;

use super::archive::Archive;
use super::image::{Blob, Descriptor, Image, choose, require_platform};
use engine::digest;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// containerd, nerdctl and Docker write the whole reference there, and often only the tag where the standard has it.
const NAMES: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
/// What builders attach to an image; it runs nowhere.
const ATTACHED: &str = "vnd.docker.reference.type";
/// An index names an index that names manifests.
const DEPTH: usize = 4;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    media_type: Option<String>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

/// A manifest, and what the index calls it.
struct Found {
    name: Option<String>,
    descriptor: Descriptor,
}

pub fn read(archive: &Archive, wanted: Option<&str>) -> Result<Image> {
    let index: Document = archive.json("index.json")?;
    let mut found = Vec::new();
    collect(archive, index.manifests, None, 0, &mut found)?;
    let Found { name, descriptor } = choose(&found, |found| found.name.clone(), wanted, archive.path())?;
    let bytes = checked(archive, descriptor)?;
    let document: Document = archive.json(&place(&descriptor.digest))?;
    let config = document.config.as_ref().ok_or_else(|| {
        Failure::invalid(format!("{} holds no image", archive.path().display()))
            .cause(format!("the manifest {} names no configuration", descriptor.digest))
    })?;
    require_platform(&checked(archive, config)?, archive.path())?;
    let mut blobs: Vec<Blob> = Vec::new();
    for descriptor in std::iter::once(config).chain(&document.layers).filter(|descriptor| descriptor.urls.is_empty()) {
        if blobs.iter().all(|blob| blob.digest != descriptor.digest) {
            blobs.push(blob(archive, descriptor)?);
        }
    }
    let media_type = document.media_type.or_else(|| descriptor.media_type.clone()).unwrap_or_else(|| MANIFEST.into());
    Ok(Image { name: name.clone(), media_type, manifest: bytes, blobs })
}

/// Follows indexes down to the manifests for the nodes' platform.
fn collect(
    archive: &Archive,
    manifests: Vec<Descriptor>,
    above: Option<&str>,
    depth: usize,
    found: &mut Vec<Found>,
) -> Result<()> {
    for descriptor in manifests {
        let fits = descriptor.platform.as_ref().is_none_or(super::image::Platform::fits);
        if !fits || descriptor.annotations.contains_key(ATTACHED) {
            continue;
        }
        let named =
            NAMES.iter().find_map(|name| descriptor.annotations.get(*name)).filter(|name| name.contains([':', '/']));
        let name = named.map(String::as_str).or(above).map(str::to_owned);
        let is_index =
            descriptor.media_type.as_deref().is_some_and(|kind| kind.contains(".index.") || kind.contains(".list."));
        if is_index && depth < DEPTH {
            let below: Document = archive.json(&place(&descriptor.digest))?;
            collect(archive, below.manifests, name.as_deref(), depth + 1, found)?;
        } else if found.iter().all(|one: &Found| one.descriptor.digest != descriptor.digest) {
            found.push(Found { name, descriptor });
        }
    }
    Ok(())
}

fn place(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

/// Finds a blob; its content is judged by the registry, which hashes it anyway.
fn blob(archive: &Archive, descriptor: &Descriptor) -> Result<Blob> {
    let damaged = |cause: String| Failure::invalid(format!("{} is damaged", archive.path().display())).cause(cause);
    let piece = archive.find(&place(&descriptor.digest)).ok_or_else(|| {
        damaged(format!("{} is not in it", descriptor.digest))
            .hint("Save the image with all its layers for linux/amd64.")
    })?;
    if piece.size != descriptor.size {
        return Err(damaged(format!("{} has {} bytes instead of {}", descriptor.digest, piece.size, descriptor.size)));
    }
    Ok(Blob { digest: descriptor.digest.clone(), piece: piece.clone() })
}

fn checked(archive: &Archive, descriptor: &Descriptor) -> Result<Vec<u8>> {
    let bytes = archive.document(&place(&descriptor.digest))?;
    if format!("sha256:{}", digest::of_bytes(&bytes)) == descriptor.digest {
        return Ok(bytes);
    }
    let failure = Failure::invalid(format!("{} is damaged", archive.path().display()));
    Err(failure.cause(format!("{} has another content than its digest says", descriptor.digest)))
}
