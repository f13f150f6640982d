//! Packs what nodes need into one read-only disk.
//!
//! ```text
//! /bin/kubelet ...          programs for the node's PATH
//! /cni/bridge ...           CNI plugins
//! /images/pause.tar ...     OCI archives
//! /MANIFEST                 SHA-256 of every file, as `sha256sum --check` reads it
//! /IMAGES                   `FILE REFERENCE`, a line for each archive
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use engine::digest;
use engine::event::Step;
use engine::failure::{Failure, Result};

use super::bits::{Bit, Bits, Origin};
use super::catalog::Kind;
use super::process::Program;
use super::store::{Entry, Store};

/// The file system's label, by which a node finds the disk.
pub const LABEL: &str = "seedbed-bits";

/// Changes when the layout does.
const FORMAT: &str = "seedbed bits disk 1";

/// Returns the disk with these bits on it, packing it unless the store has it.
pub async fn bits_disk(store: &Store, bits: &Bits, step: &Step) -> Result<PathBuf> {
    let placed: Vec<(String, &Bit)> = bits.iter().filter_map(|bit| Some((place(bit)?, bit))).collect();
    let mut manifest = String::new();
    let mut images = String::new();
    for (path, bit) in &placed {
        let _ = writeln!(manifest, "{}  {path}", bit.digest);
        if let Some(reference) = &bit.reference {
            let _ = writeln!(images, "{path} {reference}");
        }
    }
    let key = digest::of_bytes(format!("{FORMAT}\n{manifest}{images}").as_bytes());
    if let Some(blob) = store.find(&key).and_then(|entry| entry.outputs.get("disk").cloned()) {
        store.touch(&key);
        return Ok(store.path(&blob));
    }
    let step = step.child("pack the disk of bits");
    let make = async {
        let _lock = store.lock(&step).await?;
        let work = store.work("bits")?;
        let root = work.path().join("root");
        let lay = || lay_out(&root, &placed, &manifest, &images);
        tokio::task::block_in_place(lay)
            .map_err(|error| Failure::other("cannot lay out the disk of bits").because(&error))?;
        let file = work.path().join("disk");
        make_ext4(&root, &file, placed.iter().map(|(_, bit)| bit.size).sum()).await?;
        let blob = tokio::task::block_in_place(|| store.take(&file))?;
        let outputs = BTreeMap::from([("disk".to_owned(), blob.clone())]);
        store.remember(
            &key,
            &Entry { origin: Origin::Build, by: "seedbed".into(), made: jiff::Timestamp::now(), outputs },
        )?;
        Ok(store.path(&blob))
    };
    let result = make.await;
    step.conclude(result)
}

/// Where a bit lies on the disk, if it is for nodes.
pub fn place(bit: &Bit) -> Option<String> {
    match bit.kind {
        Kind::Binary => Some(format!("bin/{}", bit.file)),
        Kind::Plugin => Some(format!("cni/{}", bit.file)),
        Kind::Image => Some(format!("images/{}.tar", bit.name)),
        Kind::Tool | Kind::Manifest | Kind::Disk | Kind::Kernel | Kind::Initrd => None,
    }
}

fn lay_out(root: &Path, placed: &[(String, &Bit)], manifest: &str, images: &str) -> std::io::Result<()> {
    for directory in ["bin", "cni", "images"] {
        std::fs::create_dir_all(root.join(directory))?;
    }
    for (path, bit) in placed {
        let target = root.join(path);
        // Images are most of it and are as read-only as the store's files: the same file does.
        if bit.kind == Kind::Image && bit.origin != Origin::Override && std::fs::hard_link(&bit.path, &target).is_ok() {
            continue;
        }
        std::fs::copy(&bit.path, &target)?;
        let mode = if bit.kind == Kind::Image { 0o444 } else { 0o755 };
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode))?;
    }
    std::fs::write(root.join("MANIFEST"), manifest)?;
    std::fs::write(root.join("IMAGES"), images)
}

/// Makes a file system without a journal, as large as its content needs.
async fn make_ext4(root: &Path, file: &Path, content: u64) -> Result<()> {
    // Extents of large files cost little; 2% and 32 MiB are ample.
    let size = content + content / 50 + (32 << 20);
    let hint = "apt-get install --yes e2fsprogs";
    Program::new("mke2fs", hint)
        .args(["-q", "-F", "-t", "ext4", "-L", LABEL, "-m", "0", "-N", "256"])
        .args(["-O", "^has_journal,^metadata_csum,^resize_inode", "-E", "root_owner=0:0,nodiscard", "-d"])
        .arg(root)
        .arg(file)
        .arg(format!("{}k", size.div_ceil(1024)))
        .run(|_| ())
        .await
        .map(drop)
}
