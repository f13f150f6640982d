//! What `docker save` wrote before its version 25, and others write still: layers as tar files, and no manifest.

use std::io;

use engine::failure::{Failure, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::archive::{Archive, Piece};
use super::image::{Blob, Image, choose, require_platform};
use engine::digest::{self, Hashing};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

pub fn read(archive: &Archive, wanted: Option<&str>) -> Result<Image> {
    let all: Vec<Saved> = archive.json("manifest.json")?;
    let first = |saved: &Saved| saved.repo_tags.iter().flatten().next().cloned();
    let saved = choose(&all, first, wanted, archive.path())?;
    let config = archive.document(&saved.config)?;
    require_platform(&config, archive.path())?;
    let mut blobs = vec![Blob { digest: named(&digest::of_bytes(&config)), piece: find(archive, &saved.config)? }];
    let mut layers = Vec::new();
    for (layer, content) in saved.layers.iter().zip(contents(archive, saved, &config)?) {
        let piece = find(archive, layer)?;
        let (digest, ending) = if is_gzipped(&piece).map_err(|error| damaged(archive).because(&error))? {
            // The configuration has the digest of what is unpacked.
            (hashed(&piece).map_err(|error| damaged(archive).because(&error))?, "+gzip")
        } else {
            (content, "")
        };
        layers.push(json!({"mediaType": format!("{LAYER}{ending}"), "digest": digest, "size": piece.size}));
        if blobs.iter().all(|blob| blob.digest != digest) {
            blobs.push(Blob { digest, piece });
        }
    }
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": blobs[0].digest, "size": config.len()},
        "layers": layers,
    });
    Ok(Image { name: first(saved), media_type: MANIFEST.into(), manifest: manifest.to_string().into_bytes(), blobs })
}

/// The digests of the layers' contents, as the configuration has them.
fn contents(archive: &Archive, saved: &Saved, config: &[u8]) -> Result<Vec<String>> {
    let config: Value = serde_json::from_slice(config).map_err(|error| damaged(archive).because(&error))?;
    let listed = config["rootfs"]["diff_ids"].as_array().into_iter().flatten();
    let contents: Vec<String> = listed.filter_map(|digest| digest.as_str().map(str::to_owned)).collect();
    if contents.len() == saved.layers.len() {
        return Ok(contents);
    }
    Err(damaged(archive).cause(format!("it has {} layers, its configuration {}", saved.layers.len(), contents.len())))
}

fn find(archive: &Archive, name: &str) -> Result<Piece> {
    archive.find(name).cloned().ok_or_else(|| damaged(archive).cause(format!("{name} is not in it")))
}

fn damaged(archive: &Archive) -> Failure {
    Failure::invalid(format!("{} is damaged", archive.path().display()))
        .hint("Save it anew: `docker save IMAGE -o FILE`.")
}

fn is_gzipped(piece: &Piece) -> io::Result<bool> {
    let mut magic = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(piece.reader()?, 2), &mut magic)?;
    Ok(magic == [0x1f, 0x8b])
}

fn hashed(piece: &Piece) -> io::Result<String> {
    let mut hashing = Hashing::new(io::sink());
    hashing.absorb(&mut piece.reader()?)?;
    Ok(named(&hashing.finish().0))
}

fn named(digits: &str) -> String {
    format!("sha256:{digits}")
}
