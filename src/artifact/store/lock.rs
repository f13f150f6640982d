//! The locks of the store: one is held while it is filled, and one while what is in it is used.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::time::Duration;

use engine::event::Step;
use engine::failure::{Failure, Result};

use super::Store;

/// A lock; released when dropped, and by the system when the process dies.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Store {
    /// Waits for the lock under which the store is filled, saying who holds it.
    pub async fn lock(&self, step: &Step) -> Result<Lock> {
        let mut file = self.locked("lock", File::try_lock, step).await?;
        let holder = format!("process {} since {}\n", std::process::id(), jiff::Timestamp::now());
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(holder.as_bytes())
        };
        write().map_err(|error| self.unlocked("lock", &error))?;
        Ok(Lock(file))
    }

    /// Keeps what is in the store there until the lock is dropped. Any number of runs may hold it.
    pub async fn hold(&self, step: &Step) -> Result<Lock> {
        self.locked("in-use", File::try_lock_shared, step).await.map(Lock)
    }

    /// Waits until no run uses what is in the store.
    pub(in crate::artifact) async fn exclude(&self, step: &Step) -> Result<Lock> {
        self.locked("in-use", File::try_lock, step).await.map(Lock)
    }

    async fn locked(&self, name: &str, lock: impl Fn(&File) -> Result<(), TryLockError>, step: &Step) -> Result<File> {
        let wrong = |error: &std::io::Error| self.unlocked(name, error);
        std::fs::create_dir_all(&self.root).map_err(|error| wrong(&error))?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(self.root.join(name)).map_err(|error| wrong(&error))?;
        let mut told = false;
        loop {
            match lock(&file) {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(wrong(&error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if !told {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let who = if holder.is_empty() { String::new() } else { format!(" ({})", holder.trim()) };
                step.waiting(format!("another seedbed to finish with the store{who}"));
                told = true;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn unlocked(&self, name: &str, error: &std::io::Error) -> Failure {
        Failure::other(format!("cannot lock {}", self.root.join(name).display())).because(error)
    }
}
