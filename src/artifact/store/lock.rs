//! The lock that is held while the store is filled.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::time::Duration;

use engine::event::Step;
use engine::failure::{Failure, Result};

use super::Store;

/// The lock; released when dropped, and by the system when the process dies.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Store {
    /// Waits for the lock, saying who holds it.
    pub async fn lock(&self, step: &Step) -> Result<Lock> {
        let path = self.root.join("lock");
        let wrong = |error: &std::io::Error| Failure::other(format!("cannot lock {}", path.display())).because(error);
        std::fs::create_dir_all(&self.root).map_err(|error| wrong(&error))?;
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| wrong(&error))?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(wrong(&error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if !told {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                step.waiting(format!("another seedbed to finish with the store ({})", holder.trim()));
                told = true;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let holder = format!("process {} since {}\n", std::process::id(), jiff::Timestamp::now());
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(holder.as_bytes())
        };
        write().map_err(|error| wrong(&error))?;
        Ok(Lock(file))
    }
}
