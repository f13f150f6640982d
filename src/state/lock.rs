//! One seedbed at a time on one cluster.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use engine::failure::{Failure, Result};

/// The lock of a cluster, held until dropped or until the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(path: &Path, command: &str) -> Result<Self> {
        let failed = |error: std::io::Error| Failure::other(format!("cannot open {}", path.display())).because(&error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(&mut file)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let holder = format!("`seedbed {command}`, process {}, since {}", std::process::id(), jiff::Timestamp::now());
        file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn held(file: &mut File) -> Failure {
    let mut holder = String::new();
    let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_string(&mut holder));
    if holder.is_empty() {
        holder = "another seedbed that is just starting".into();
    }
    Failure::refused("another seedbed works on this cluster")
        .cause(format!("the lock is held by {holder}"))
        .hint("wait until it ends, or interrupt it with Ctrl-C; both leave the cluster in a state that `seedbed up` continues from")
}
