//! Packs what nodes need into one read-only disk.
//!
//! ```text
//! /bin/kubelet ...          programs for the node's PATH
//! /cni/bridge ...           CNI plugins
//! /images/pause.tar ...     OCI archives; or, unpacked by the same containerd as the nodes have,
//! /containerd/...           its directory (`/var/lib/containerd`) with these images, without their layers' archives
//! /MANIFEST                 SHA-256 of every program, plugin and archive, as `sha256sum --check` reads it
//! /IMAGES                   `FILE REFERENCE`, a line for each archive
//! ```

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use engine::digest;
use engine::event::Step;
use engine::failure::{self, Failure, Result};

use super::bits::{Bit, Bits, Origin};
use super::catalog::Kind;
use super::process::Program;
use super::store::{Entry, Store};

/// The file system's label, by which a node finds the disk.
pub const LABEL: &str = "seedbed-bits";

/// ext4's, in bytes.
const BLOCK: u64 = 4096;

/// Changes when the layout does.
const FORMAT: &str = "seedbed bits disk 1";
/// The same with images unpacked.
const UNPACKED: &str = "seedbed bits disk 2, unpacked";

/// What has containerd unpack images.
const UNPACK: &str = include_str!("disk/unpack.sh");

/// Returns the disk with these bits on it, packing it unless the store has it.
///
/// Its images are unpacked where that can be done, which is for root: a node would take minutes when it is emulated.
pub async fn bits_disk(store: &Store, bits: &Bits, step: &Step) -> Result<PathBuf> {
    let layout = Layout::of(bits);
    if layout.unpacks() {
        match packed(store, &layout, true, step).await {
            Err(failure) if failure.kind != failure::Kind::Interrupted => {}
            done => return done,
        }
    }
    packed(store, &layout, false, step).await
}

async fn packed(store: &Store, layout: &Layout<'_>, unpacked: bool, step: &Step) -> Result<PathBuf> {
    let format = if unpacked { UNPACKED } else { FORMAT };
    let key = digest::of_bytes(format!("{format}\n{}{}", layout.manifest(true), layout.images()).as_bytes());
    if let Some(blob) = store.find(&key).and_then(|entry| entry.outputs.get("disk").cloned()) {
        store.touch(&key);
        return Ok(store.path(&blob));
    }
    let step = step.child(if unpacked { "unpack images to the disk of bits" } else { "pack the disk of bits" });
    let make = async {
        let _lock = store.lock(&step).await?;
        let work = store.work("bits")?;
        let root = work.path().join("root");
        tokio::task::block_in_place(|| layout.lay_out(&root, !unpacked))
            .map_err(|error| Failure::other("cannot lay out the disk of bits").because(&error))?;
        if unpacked {
            unpack(&root, layout, &step).await?;
        }
        let file = work.path().join("disk");
        make_ext4(&root, &file).await?;
        let blob = tokio::task::block_in_place(|| store.take(&file))?;
        let outputs = BTreeMap::from([("disk".to_owned(), blob.clone())]);
        let made = jiff::Timestamp::now();
        store.remember(&key, &Entry { origin: Origin::Build, by: "seedbed".into(), made, outputs })?;
        Ok(store.path(&blob))
    };
    let result: Result<PathBuf> = make.await;
    match result {
        // Then nodes do it themselves.
        Err(failure) if unpacked && failure.kind != failure::Kind::Interrupted => {
            let why = failure.evidence.as_deref().and_then(|text| text.lines().last()).unwrap_or(&failure.what);
            step.skip(format!("each node unpacks them, which takes longer: {why}"));
            Err(failure)
        }
        result => step.conclude(result),
    }
}

/// What lies where.
struct Layout<'a>(Vec<(String, &'a Bit)>);

impl<'a> Layout<'a> {
    fn of(bits: &'a Bits) -> Self {
        Self(bits.iter().filter_map(|bit| Some((place(bit)?, bit))).collect())
    }

    /// Whether images can be unpacked: it takes containerd, and root to give files their owners.
    fn unpacks(&self) -> bool {
        let has = |file: &str| self.0.iter().any(|(place, _)| place == file);
        nix::unistd::geteuid().is_root() && has("bin/containerd") && has("bin/ctr") && self.archives().next().is_some()
    }

    fn archives(&self) -> impl Iterator<Item = &'a Bit> {
        self.0.iter().map(|(_, bit)| *bit).filter(|bit| bit.kind == Kind::Image)
    }

    /// What lies there as it is in the store.
    fn files(&self, archives: bool) -> impl Iterator<Item = &(String, &'a Bit)> {
        self.0.iter().filter(move |(_, bit)| archives || bit.kind != Kind::Image)
    }

    fn manifest(&self, archives: bool) -> String {
        self.files(archives).fold(String::new(), |text, (place, bit)| text + &format!("{}  {place}\n", bit.digest))
    }

    fn images(&self) -> String {
        let line = |(place, bit): &(String, &Bit)| Some(format!("{place} {}\n", bit.reference.as_ref()?));
        self.0.iter().filter_map(line).collect()
    }

    fn lay_out(&self, root: &Path, archives: bool) -> std::io::Result<()> {
        for directory in ["bin", "cni", "images"] {
            std::fs::create_dir_all(root.join(directory))?;
        }
        for (place, bit) in self.files(archives) {
            let target = root.join(place);
            // Images are most of it and are as read-only as the store's files: the same file does.
            let shared = bit.kind == Kind::Image && bit.origin != Origin::Override;
            if shared && std::fs::hard_link(&bit.path, &target).is_ok() {
                continue;
            }
            std::fs::copy(&bit.path, &target)?;
            let mode = if bit.kind == Kind::Image { 0o444 } else { 0o755 };
            std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode))?;
        }
        std::fs::write(root.join("MANIFEST"), self.manifest(archives))?;
        std::fs::write(root.join("IMAGES"), self.images())
    }
}

/// Unpacks the archives to `containerd`, in namespaces that end with the script.
async fn unpack(root: &Path, layout: &Layout<'_>, step: &Step) -> Result<()> {
    let script = root.with_file_name("unpack.sh");
    std::fs::write(&script, UNPACK).map_err(|error| Failure::other("cannot write unpack.sh").because(&error))?;
    let program = Program::new("unshare", "apt-get install --yes util-linux")
        .args(["--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "sh"])
        .arg(script)
        .arg(root)
        .args(layout.archives().map(|bit| bit.path.as_path()));
    program.run(|line| step.output(line)).await.map(drop)
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

/// Makes a file system without a journal, as large as its content needs.
async fn make_ext4(root: &Path, file: &Path) -> Result<()> {
    let wrong = |error: std::io::Error| Failure::other("cannot look through the disk of bits").because(&error);
    let (content, files) = tokio::task::block_in_place(|| weigh(root)).map_err(wrong)?;
    // Extents of large files cost little; 2% and 32 MiB are ample.
    let size = content + content / 50 + (32 << 20);
    let hint = "apt-get install --yes e2fsprogs";
    Program::new("mke2fs", hint)
        .args(["-q", "-F", "-t", "ext4", "-L", LABEL, "-m", "0", "-N"])
        .arg((files + 64).to_string())
        .args(["-O", "^has_journal,^metadata_csum,^resize_inode", "-E", "root_owner=0:0,nodiscard", "-d"])
        .arg(root)
        .arg(file)
        .arg(format!("{}k", size.div_ceil(1024)))
        .run(|_| ())
        .await
        .map(drop)
}

/// The bytes in whole blocks below a directory, and the number of files, directories and links.
fn weigh(directory: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::read_dir(directory)?.try_fold((0, 0), |(bytes, count), entry| {
        let entry = entry?;
        let about = entry.metadata()?;
        let (below, more) = if about.is_dir() { weigh(&entry.path())? } else { (0, 0) };
        Ok((bytes + below + about.len().next_multiple_of(BLOCK), count + more + 1))
    })
}
