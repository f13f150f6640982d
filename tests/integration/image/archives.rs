//! Images as builders write them: layers, layouts and archives.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// As registries write a digest.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", engine::digest::of_bytes(bytes))
}

/// A layer: a tar file with a real file, and bytes that do not compress.
pub fn layer(size: usize) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let noise: Vec<u8> = (0..size as u64).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()[0]).collect();
    for (name, bytes) in [("etc/os-release", std::fs::read("/etc/os-release").unwrap()), ("noise", noise)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

pub fn config(layers: &[&[u8]], architecture: &str) -> Vec<u8> {
    let contents: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
    let rootfs = json!({"type": "layers", "diff_ids": contents});
    json!({"architecture": architecture, "os": "linux", "config": {}, "rootfs": rootfs}).to_string().into_bytes()
}

/// The files of an OCI layout of one image, and its manifest.
pub fn layout(layers: &[&[u8]], name: &str) -> (Vec<(String, Vec<u8>)>, Vec<u8>) {
    let config = config(layers, "amd64");
    let descriptor = |kind: &str, bytes: &[u8]| json!({"mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest(bytes), "size": bytes.len()});
    let all: Vec<Value> = layers.iter().map(|layer| descriptor("layer.v1.tar", layer)).collect();
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest =
        json!({"schemaVersion": 2, "mediaType": kind, "config": descriptor("config.v1+json", &config), "layers": all});
    let manifest = manifest.to_string().into_bytes();
    let mut named = descriptor("manifest.v1+json", &manifest);
    named["annotations"] = json!({"org.opencontainers.image.ref.name": name});
    // What builders attach is no image.
    let mut attached = descriptor("manifest.v1+json", b"attestation");
    attached["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let index = json!({"schemaVersion": 2, "manifests": [attached, named]});
    let mut files = vec![
        ("oci-layout".to_owned(), b"{\"imageLayoutVersion\":\"1.0.0\"}".to_vec()),
        ("index.json".to_owned(), index.to_string().into_bytes()),
    ];
    for blob in layers.iter().copied().chain([&config[..], &manifest]) {
        files.push((format!("blobs/{}", digest(blob).replace(':', "/")), blob.to_vec()));
    }
    (files, manifest)
}

pub fn tar_of(files: &[(String, Vec<u8>)], links: &[(&str, &str)], to: impl std::io::Write) {
    let mut tar = tar::Builder::new(to);
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("./{name}"), bytes.as_slice()).unwrap();
    }
    for (name, target) in links {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, name, target).unwrap();
    }
    tar.finish().unwrap();
}

pub fn archive(directory: &Path, name: &str, files: &[(String, Vec<u8>)]) -> PathBuf {
    let path = directory.join(name);
    tar_of(files, &[], std::fs::File::create(&path).unwrap());
    path
}
