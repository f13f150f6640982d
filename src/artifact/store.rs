//! The content-addressed store under the user's cache directory.
//!
//! ```text
//! blobs/sha256/<digest>   content, read-only
//! recipes/<key>.json      what a recipe or a published address gave: file names, digests and sizes
//! work/                   builds and downloads under way
//! lock                    held while the store is filled
//! in-use                  held, by any number, while what is in it is used
//! ```

mod lock;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use engine::digest;
use engine::failure::{Failure, Result};
use serde::{Deserialize, Serialize};

pub use lock::Lock;

use super::bits::Origin;

/// The store. Reading takes no lock; filling does.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// Content in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    pub digest: String,
    pub size: u64,
}

/// What one recipe gave: blobs by file name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub origin: Origin,
    /// What made it: an address, or the compiler's version.
    pub by: String,
    pub made: jiff::Timestamp,
    pub outputs: BTreeMap<String, Blob>,
}

impl Store {
    /// Opens `$XDG_CACHE_HOME/seedbed`, or `~/.cache/seedbed`.
    pub fn of_user() -> Result<Self> {
        let directories = directories::BaseDirs::new()
            .ok_or_else(|| Failure::refused("there is no home directory to keep artifacts in"))?;
        Ok(Self::open(directories.cache_dir().join("seedbed")))
    }

    /// Opens a directory; it is made when something is put into it.
    pub fn open(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The place of content, whether it is there or not.
    pub fn path(&self, blob: &Blob) -> PathBuf {
        self.root.join("blobs/sha256").join(&blob.digest)
    }

    /// Whether content is there with its recorded size. It was hashed when it was put there.
    pub fn has(&self, blob: &Blob) -> bool {
        std::fs::metadata(self.path(blob)).is_ok_and(|metadata| metadata.len() == blob.size)
    }

    /// What a key gave, if all of it is still there.
    pub fn find(&self, key: &str) -> Option<Entry> {
        let bytes = std::fs::read(self.record(key)).ok()?;
        let entry: Entry = serde_json::from_slice(&bytes).ok()?;
        entry.outputs.values().all(|blob| self.has(blob)).then_some(entry)
    }

    /// Notes that what a key gave is used: `prune` goes by that.
    pub fn touch(&self, key: &str) {
        let record = std::fs::File::options().write(true).open(self.record(key));
        // Where it cannot be noted, it counts as older than it is.
        let _ = record.and_then(|record| record.set_modified(std::time::SystemTime::now()));
    }

    /// Records what a key gave.
    pub fn remember(&self, key: &str, entry: &Entry) -> Result<()> {
        let path = self.record(key);
        let write = || -> io::Result<()> {
            let directory = self.root.join("recipes");
            std::fs::create_dir_all(&directory)?;
            let mut file = tempfile::NamedTempFile::new_in(&directory)?;
            serde_json::to_writer_pretty(&mut file, entry)?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error| Self::failure("write", &path, &error))
    }

    /// Moves a finished file into the store. It must lie in the store's work directory.
    pub fn take(&self, file: &Path) -> Result<Blob> {
        let (digest, size) = digest::of_file(file).map_err(|error| Self::failure("read", file, &error))?;
        let blob = Blob { digest, size };
        self.adopt(file, &blob)?;
        Ok(blob)
    }

    /// Moves a file, whose digest was computed while it was written, into the store.
    pub fn adopt(&self, file: &Path, blob: &Blob) -> Result<()> {
        let path = self.path(blob);
        let write = || -> io::Result<()> {
            std::fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o444))?;
            std::fs::rename(file, &path)
        };
        write().map_err(|error| Self::failure("write", &path, &error))
    }

    /// A new directory for work, removed when it is dropped.
    pub fn work(&self, name: &str) -> Result<tempfile::TempDir> {
        let parent = self.work_root()?;
        let made = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(&parent);
        made.map_err(|error| Self::failure("make a directory in", &parent, &error))
    }

    /// The directory for work that outlives a run, such as a download to resume.
    pub fn work_root(&self) -> Result<PathBuf> {
        let parent = self.root.join("work");
        std::fs::create_dir_all(&parent).map_err(|error| Self::failure("make", &parent, &error))?;
        Ok(parent)
    }

    fn record(&self, key: &str) -> PathBuf {
        self.root.join("recipes").join(format!("{key}.json"))
    }

    fn failure(verb: &str, path: &Path, error: &io::Error) -> Failure {
        Failure::other(format!("cannot {verb} {}", path.display())).because(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> (tempfile::TempDir, Store, Blob) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path());
        let work = store.work("test").unwrap();
        let file = work.path().join("file");
        std::fs::write(&file, text).unwrap();
        let blob = store.take(&file).unwrap();
        (directory, store, blob)
    }

    fn entry(blob: &Blob) -> Entry {
        let outputs = BTreeMap::from([("file".to_owned(), blob.clone())]);
        Entry { origin: Origin::Build, by: "go1.26.8".into(), made: jiff::Timestamp::UNIX_EPOCH, outputs }
    }

    #[test]
    fn content_lies_under_its_digest() {
        let (_directory, store, blob) = stored("abc");
        assert_eq!(blob.digest, digest::of_bytes(b"abc"));
        assert_eq!(std::fs::read_to_string(store.path(&blob)).unwrap(), "abc");
    }

    #[test]
    fn an_entry_is_found_while_its_content_is_there() {
        let (_directory, store, blob) = stored("abc");
        store.remember("key", &entry(&blob)).unwrap();
        assert_eq!(store.find("key"), Some(entry(&blob)));
        std::fs::remove_file(store.path(&blob)).unwrap();
        assert_eq!(store.find("key"), None);
    }
}
