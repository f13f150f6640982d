//! Writes images as OCI archives: the OCI image layout in one tar file, with uncompressed layers.
//!
//! Layers are not compressed because unpacking is what an emulated node is slow at. Equal inputs give equal bytes.

mod debian;
mod writer;

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use engine::digest::{self, Hashing};
use serde_json::json;

pub use debian::debian_layer;
pub use writer::Writer;

use super::store::Blob;

/// What an image is made of, lowest layer first; the program's layer goes on top.
pub struct Image {
    /// The full reference, in the archive's index, by which `ctr images import` names it.
    pub reference: String,
    pub user: String,
    pub entrypoint: String,
    pub version: String,
    pub layers: Vec<LayerFile>,
}

/// A layer's tar file.
#[derive(Clone)]
pub struct LayerFile {
    pub path: PathBuf,
    pub blob: Blob,
}

/// Writes the layer that holds one program, with what a program without a distribution misses.
pub fn program_layer(program: &Path, path: &str, alone: bool, output: &Path) -> io::Result<LayerFile> {
    let mut tar = create(output)?;
    if alone {
        tar.directory("tmp", 0o1777)?;
        tar.directory("etc", 0o755)?;
        tar.file(
            "etc/passwd",
            0o644,
            b"root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/tmp:/sbin/nologin\n",
        )?;
        tar.file("etc/group", 0o644, b"root:x:0:\nnogroup:x:65534:\n")?;
        tar.file("etc/nsswitch.conf", 0o644, b"hosts: files dns\n")?;
    }
    let path = path.trim_start_matches('/');
    tar.parents(path)?;
    tar.stream(path, 0o755, std::fs::metadata(program)?.len(), &mut File::open(program)?)?;
    Ok(LayerFile { path: output.to_owned(), blob: finish(tar)? })
}

/// Writes an image's archive and returns its digest.
pub fn write(image: &Image, top: &LayerFile, output: &Path) -> io::Result<Blob> {
    let layers: Vec<&LayerFile> = image.layers.iter().chain([top]).collect();
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": {
            "User": image.user,
            "Entrypoint": [image.entrypoint],
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "WorkingDir": "/",
            "Labels": { "org.opencontainers.image.version": image.version },
        },
        "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| format!("sha256:{}", layer.blob.digest)).collect::<Vec<_>>() },
    });
    let config = config.to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &digest::of_bytes(config.as_bytes()), config.len() as u64),
        "layers": layers.iter().map(|layer| {
            descriptor("application/vnd.oci.image.layer.v1.tar", &layer.blob.digest, layer.blob.size)
        }).collect::<Vec<_>>(),
    });
    let manifest = manifest.to_string();
    let top = descriptor(
        "application/vnd.oci.image.manifest.v1+json",
        &digest::of_bytes(manifest.as_bytes()),
        manifest.len() as u64,
    );
    let mut tar = create(output)?;
    layout(&mut tar, &image.reference, top)?;
    tar.blob(config.as_bytes())?;
    tar.blob(manifest.as_bytes())?;
    for layer in layers {
        let mut file = File::open(&layer.path)?;
        tar.stream(&format!("blobs/sha256/{}", layer.blob.digest), 0o644, layer.blob.size, &mut file)?;
    }
    finish(tar)
}

/// Writes what every archive begins with: the layout's version and an index that names one manifest.
pub fn layout<W: io::Write>(tar: &mut Writer<W>, reference: &str, mut manifest: serde_json::Value) -> io::Result<()> {
    manifest["annotations"] = json!({
        "io.containerd.image.name": reference,
        "org.opencontainers.image.ref.name": reference,
    });
    let index =
        json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [manifest] });
    tar.file("oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    tar.file("index.json", 0o644, index.to_string().as_bytes())?;
    tar.directory("blobs", 0o755)?;
    tar.directory("blobs/sha256", 0o755)
}

/// Ends an archive and returns its digest.
pub fn finish(tar: Writer<BufWriter<Hashing<File>>>) -> io::Result<Blob> {
    let hashing = tar.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    let (digest, size, _) = hashing.finish();
    Ok(Blob { digest, size })
}

/// Begins an archive.
pub fn create(output: &Path) -> io::Result<Writer<BufWriter<Hashing<File>>>> {
    Ok(Writer::new(BufWriter::new(Hashing::new(File::create(output)?))))
}

fn descriptor(media_type: &str, digest: &str, size: u64) -> serde_json::Value {
    json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;

    use super::*;

    fn archive(directory: &Path) -> BTreeMap<String, Vec<u8>> {
        let program = directory.join("program");
        std::fs::write(&program, "a program").unwrap();
        let top = program_layer(&program, "/usr/local/bin/program", true, &directory.join("top.tar")).unwrap();
        let image = Image {
            reference: "ghcr.io/seedbed/sample:1.0.0".into(),
            user: "65534:65534".into(),
            entrypoint: "/usr/local/bin/program".into(),
            version: "1.0.0".into(),
            layers: Vec::new(),
        };
        let output = directory.join("image.tar");
        let blob = write(&image, &top, &output).unwrap();
        assert_eq!(digest::of_file(&output).unwrap(), (blob.digest, blob.size));
        let mut tar = tar::Archive::new(File::open(&output).unwrap());
        let mut files = BTreeMap::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), bytes);
        }
        files
    }

    #[test]
    fn the_index_names_the_full_reference_and_every_blob_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let files = archive(directory.path());
        let index: serde_json::Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let first = &index["manifests"][0];
        assert_eq!(first["annotations"]["io.containerd.image.name"], "ghcr.io/seedbed/sample:1.0.0");
        let blob = |descriptor: &serde_json::Value| {
            let digest = descriptor["digest"].as_str().unwrap().replace(':', "/");
            let bytes = files[&format!("blobs/{digest}")].clone();
            assert_eq!(format!("sha256/{}", digest::of_bytes(&bytes)), digest);
            bytes
        };
        let manifest: serde_json::Value = serde_json::from_slice(&blob(first)).unwrap();
        let config: serde_json::Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
        assert_eq!(config["config"]["User"], "65534:65534");
        blob(&manifest["layers"][0]);
    }

    #[test]
    fn the_same_image_twice_is_the_same_bytes() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(archive(one.path()), archive(two.path()));
    }
}
