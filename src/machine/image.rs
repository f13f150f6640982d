//! Base images and the disk of bits, in the shared pool: sent once, named by digest.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::event::{Step, Unit};
use engine::failure::{Failure, Kind, Result};
use engine::wait::{Patience, Seen};
use libvirt_protocol::{Action, Code};

use super::definition;
use super::pool::SHARED;
use super::provider::Provider;

/// A file that machines read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// A name for people, such as `debian-13`.
    pub name: String,
    pub path: PathBuf,
    /// SHA-256 in hexadecimal; it is trusted to be that of the file.
    pub digest: String,
}

/// A machine image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub disk: Disk,
    pub format: Format,
    /// Kernel and initrd, for images without a boot loader.
    pub kernel: Option<(Disk, Disk)>,
    /// What the kernel is told, such as `root=LABEL=root rw console=ttyS0`.
    pub arguments: String,
}

/// How a disk's bytes are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Raw,
    Qcow2,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
        }
    }

    /// Reads the format from a file's first bytes.
    pub fn of_file(path: &Path) -> Result<Self> {
        use std::io::Read as _;
        let mut magic = [0; 4];
        File::open(path)
            .and_then(|mut file| file.read_exact(&mut magic))
            .map_err(|error| Failure::other(format!("{} cannot be read", path.display())).because(&error))?;
        Ok(if &magic == b"QFI\xfb" { Self::Qcow2 } else { Self::Raw })
    }
}

/// How long another seedbed may take to send the same file.
const OTHER: Patience = Patience::for_seconds(900).every(Duration::from_secs(1), Duration::from_secs(5));

impl Provider {
    /// Refuses what would fill the pool: machines that run would stop, not only this one.
    async fn require_room(&self, disk: &Disk) -> Result<()> {
        let pools = self.pools().await?;
        let available = pools.iter().find(|pool| pool.name == SHARED).map_or(u64::MAX, |pool| pool.available);
        let wanted = occupied(&disk.path);
        if wanted <= available {
            return Ok(());
        }
        let (wanted, available) = (wanted >> 20, available >> 20);
        Err(Failure::refused(format!(
            "{} needs {wanted} MiB in the pool {SHARED}, {available} MiB are free",
            disk.name
        ))
        .hint(format!(
            "Free space in {}, or remove images of earlier versions: `virsh vol-list {SHARED}`.",
            super::pool::path(SHARED)
        )))
    }

    /// Returns where the hypervisor finds a file, after sending it unless it is there, whole.
    ///
    /// A second volume, made when everything was sent, says that the first is whole. The file is locked
    /// meanwhile, so that two seedbeds which share a store do not send it twice.
    pub(super) async fn ensure_file(&self, disk: &Disk, step: &Step) -> Result<String> {
        let name = format!("{}-{}", disk.name, &disk.digest[..disk.digest.len().min(16)]);
        if let Some(path) = self.whole(&name).await? {
            return Ok(path);
        }
        self.require_room(disk).await?;
        let step = step.child_of("send to libvirt", &disk.name, &[]);
        let result = self.send(disk, &name, &step).await;
        step.conclude(result)
    }

    async fn send(&self, disk: &Disk, name: &str, step: &Step) -> Result<String> {
        let unreadable = |error| Failure::other(format!("{} cannot be read", disk.path.display())).because(&error);
        let file = File::open(&disk.path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let condition = format!("nobody else sends {}", disk.name);
        let busy = || Ok(Seen::NotYet("another seedbed is sending it".into()));
        let what = || format!("sending {} to the pool {SHARED}", disk.name);
        let claimed = engine::wait::until(step, &condition, OTHER, Kind::Step, async || {
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return busy(),
                Err(TryLockError::Error(error)) => return Err(unreadable(error)),
            }
            if let Some(path) = self.whole(name).await? {
                return Ok(Seen::Ready(Err(path)));
            }
            // What an interrupted run left is of no use.
            let delete = Action::DeleteVolume { pool: SHARED.into(), volume: name.into() };
            match self.client.ask(delete).await {
                // Sent from another store, which has a file of its own.
                Err(trouble) if trouble.code() == Some(Code::Busy) => return busy(),
                Err(trouble) if trouble.code() != Some(Code::Missing) => return Err(trouble.failure(what())),
                _ => {}
            }
            let volume = self.create_volume(SHARED, definition::plain_volume(name, size).to_string()).await;
            Ok(Seen::Ready(Ok(volume.map_err(|trouble| trouble.failure(what()))?)))
        })
        .await?;
        let volume = match claimed {
            Ok(volume) => volume,
            Err(path) => return Ok(path),
        };
        let upload = Action::Upload { pool: SHARED.into(), volume: name.into(), file: disk.path.clone() };
        let progress = |done, total| step.progress(done, Some(total), Unit::Bytes);
        self.client.ask_with_progress(upload, progress).await.map_err(|trouble| trouble.failure(what()))?;
        let sealed = self.create_volume(SHARED, definition::plain_volume(&seal(name), 1).to_string()).await;
        sealed.map_err(|trouble| trouble.failure(what()))?;
        Ok(volume.path)
    }

    /// Returns where a file is, if it was sent as a whole.
    async fn whole(&self, name: &str) -> Result<Option<String>> {
        let volumes = self.volumes(SHARED).await?;
        let sealed = volumes.iter().any(|volume| volume.name == seal(name));
        let volume = volumes.into_iter().find(|volume| volume.name == name);
        Ok(volume.filter(|_| sealed).map(|volume| volume.path))
    }
}

fn seal(name: &str) -> String {
    format!("{name}.whole")
}

/// The bytes that a file takes on its disk, holes left out.
fn occupied(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    // A block is 512 bytes, whatever the file system's own are.
    std::fs::metadata(path).map_or(0, |metadata| metadata.blocks() * 512)
}
