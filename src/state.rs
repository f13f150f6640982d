//! The state directory, `.seedbed/<cluster>/` beside the spec, and its lock.
//!
//! It holds the identity, the kubeconfig, SSH files, journals and the plan that was applied last.
//! Directories are 0700, files 0600. What exists in the world is never read from here: reality is
//! the state.

mod lock;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use engine::failure::{Failure, Result};
use serde_json::Value;

pub use lock::Lock;
pub use write::{private_directory, write_private};

use crate::spec::Cluster;

/// The state directory of one cluster.
#[derive(Clone, Debug)]
pub struct State {
    directory: PathBuf,
}

impl State {
    /// The state of a cluster; nothing is read or made.
    pub fn of(cluster: &Cluster) -> Self {
        // Absolute: `git` and `ssh` read it from other directories.
        let directory = cluster.state();
        Self { directory: std::path::absolute(&directory).unwrap_or(directory) }
    }

    /// Whether an `up` was here.
    pub fn exists(&self) -> bool {
        self.directory.is_dir()
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.directory.join("kubeconfig")
    }

    /// The directory of the workstation's SSH key, known hosts and configuration for this cluster.
    pub fn ssh(&self) -> PathBuf {
        self.directory.join("ssh")
    }

    /// The directory of the journals, one JSON Lines file a run.
    pub fn journals(&self) -> PathBuf {
        self.directory.join("journal")
    }

    /// The newest journal of a finished or broken run.
    pub fn newest_journal(&self) -> Option<PathBuf> {
        let entries = std::fs::read_dir(self.journals()).ok()?;
        // Names are UTC times, so the greatest name is the newest.
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
            .max()
    }

    /// Makes the directory if it is missing, and takes the lock, or says who holds it and since when.
    pub fn lock(&self, command: &str) -> Result<Lock> {
        if let Some(parent) = self.directory.parent() {
            private_directory(parent)?;
            keep_out_of_git(parent)?;
        }
        private_directory(&self.directory)?;
        Lock::take(&self.directory.join("lock"), command)
    }

    /// The plan that was applied last, as it was written then.
    pub fn applied(&self) -> Result<Option<Value>> {
        let path = self.applied_path();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &path, &error)),
        };
        // A plan that no longer parses is of another version: it cannot be compared.
        Ok(serde_json::from_str(&text).ok())
    }

    /// Records the plan that is being applied.
    pub fn record_applied(&self, plan: &impl serde::Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(plan)
            .map_err(|error| Failure::other("the plan has no JSON").because(&error))?;
        write_private(&self.applied_path(), text.as_bytes())
    }

    /// Whether a repository was ever seeded in the cluster, so that commits may lie there.
    pub fn seeded(&self) -> bool {
        self.directory.join("seeded").exists()
    }

    /// Records that a repository is about to be seeded in the cluster.
    pub fn record_seeded(&self) -> Result<()> {
        if self.seeded() { Ok(()) } else { write_private(&self.directory.join("seeded"), b"") }
    }

    fn applied_path(&self) -> PathBuf {
        self.directory.join("plan.json")
    }

    /// Removes the directory, and its parent if nothing else is in it.
    pub fn remove(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.directory) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("remove", &self.directory, &error)),
        }
        if let Some(parent) = self.directory.parent()
            && only_ignore_file(parent)
        {
            let _ = std::fs::remove_file(parent.join(".gitignore"));
            // Another cluster of the same directory may just have been made; then it stays.
            let _ = std::fs::remove_dir(parent);
        }
        Ok(())
    }
}

/// Secrets lie here: a `git add .` must not take them.
fn keep_out_of_git(directory: &Path) -> Result<()> {
    let path = directory.join(".gitignore");
    if path.exists() { Ok(()) } else { write_private(&path, b"*\n") }
}

fn only_ignore_file(directory: &Path) -> bool {
    std::fs::read_dir(directory).is_ok_and(|entries| entries.flatten().all(|entry| entry.file_name() == ".gitignore"))
}

fn failed(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::other(format!("cannot {verb} {}", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(root: &Path) -> State {
        State { directory: root.join(".seedbed/demo") }
    }

    #[test]
    fn the_second_lock_says_who_holds_the_first() {
        let root = tempfile::tempdir().unwrap();
        let state = state(root.path());
        let first = state.lock("up").unwrap();
        let failure = state.lock("down").unwrap_err();
        let text = failure.to_string();
        assert!(text.contains("seedbed up") && text.contains(&std::process::id().to_string()), "{text}");
        drop(first);
        state.lock("down").unwrap();
    }

    #[test]
    fn directories_and_files_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let state = state(root.path());
        let _lock = state.lock("up").unwrap();
        state.record_applied(&serde_json::json!({"a": 1})).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(state.directory()), 0o700);
        assert_eq!(mode(&state.applied_path()), 0o600);
        assert_eq!(state.applied().unwrap().unwrap()["a"], 1);
    }

    #[test]
    fn removal_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let state = state(root.path());
        drop(state.lock("up").unwrap());
        state.remove().unwrap();
        assert!(std::fs::read_dir(root.path()).unwrap().next().is_none());
    }
}
