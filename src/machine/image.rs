//! Base images and the disk of bits, in the shared pool: sent once, named by digest.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::event::{Step, Unit};
use engine::failure::{Failure, Kind, Result};
use engine::wait::{Patience, Seen};
use libvirt_protocol::{Action, Code, Volume};

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
        std::fs::File::open(path)
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
    /// A second volume, made when everything was sent, says that the first is whole. libvirt refuses
    /// to delete a volume that is being sent to, so two seedbeds cannot spoil each other's work.
    pub(super) async fn ensure_file(&self, disk: &Disk, step: &Step) -> Result<String> {
        let name = format!("{}-{}", disk.name, &disk.digest[..disk.digest.len().min(16)]);
        let seal = format!("{name}.whole");
        let size = file_size(&disk.path)?;
        let volumes = self.volumes(SHARED).await?;
        if let Some(path) = whole(&volumes, &name, &seal) {
            return Ok(path);
        }
        self.require_room(disk).await?;
        let step = step.child_of("send to libvirt", &disk.name, &[]);
        let what = || format!("sending {} to the pool {SHARED}", disk.name);
        let make = async {
            let condition = format!("nobody else sends {}", disk.name);
            let sent = engine::wait::until(&step, &condition, OTHER, Kind::Step, async || {
                if let Some(path) = whole(&self.volumes(SHARED).await?, &name, &seal) {
                    return Ok(Seen::Ready(Sent::Already(path)));
                }
                // What an interrupted run left is of no use.
                let delete = Action::DeleteVolume { pool: SHARED.into(), volume: name.clone() };
                match self.client.ask(delete).await {
                    Err(trouble) if trouble.code() == Some(Code::Missing) => {}
                    Err(trouble) if matches!(trouble.code(), Some(Code::Busy | Code::Invalid)) => {
                        return Ok(Seen::NotYet("another seedbed is sending it".into()));
                    }
                    other => other.map(drop).map_err(|trouble| trouble.failure(what()))?,
                }
                match self.create_volume(SHARED, definition::plain_volume(&name, size).to_string()).await {
                    Ok(volume) => Ok(Seen::Ready(Sent::To(volume))),
                    Err(trouble) if trouble.code() == Some(Code::Exists) => {
                        Ok(Seen::NotYet("another seedbed is sending it".into()))
                    }
                    Err(trouble) => Err(trouble.failure(what())),
                }
            })
            .await?;
            let volume = match sent {
                Sent::Already(path) => return Ok(path),
                Sent::To(volume) => volume,
            };
            let upload = Action::Upload { pool: SHARED.into(), volume: name.clone(), file: disk.path.clone() };
            let progress = |done, total| step.progress(done, Some(total), Unit::Bytes);
            self.client.ask_with_progress(upload, progress).await.map_err(|trouble| trouble.failure(what()))?;
            let sealed = self.create_volume(SHARED, definition::plain_volume(&seal, 1).to_string()).await;
            sealed.map_err(|trouble| trouble.failure(what()))?;
            Ok(volume.path)
        };
        let result = make.await;
        step.conclude(result)
    }
}

fn occupied(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    // A block is 512 bytes, whatever the file system's own are.
    std::fs::metadata(path).map_or(0, |metadata| metadata.blocks() * 512)
}

enum Sent {
    Already(String),
    To(Volume),
}

fn whole(volumes: &[Volume], name: &str, seal: &str) -> Option<String> {
    let sealed = volumes.iter().any(|volume| volume.name == seal);
    let volume = volumes.iter().find(|volume| volume.name == name)?;
    sealed.then(|| volume.path.clone())
}

fn file_size(path: &Path) -> Result<u64> {
    let metadata = std::fs::metadata(path)
        .map_err(|error| Failure::other(format!("{} cannot be read", path.display())).because(&error))?;
    Ok(metadata.len())
}
