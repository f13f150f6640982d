//! Removes from the store what no run has used for long.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use engine::event::Step;
use engine::failure::{Failure, Result};

use super::store::{Entry, Store};

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The names of what recipes and addresses gave, with how long nothing has used it.
    pub unused: Vec<(String, Duration)>,
    /// Files, of content and of downloads and builds that never ended.
    pub files: Vec<PathBuf>,
    /// In bytes.
    pub size: u64,
}

impl Store {
    /// Removes what nothing has used within some time, or only says what that is.
    ///
    /// It waits for runs that fill the store or read from it; content that two recipes gave stays as long as one does.
    pub async fn prune(&self, keep: Duration, only_say: bool, step: &Step) -> Result<Pruned> {
        // In the order in which a run takes them: each would wait for the other otherwise.
        let _locks = if only_say { None } else { Some((self.exclude(step).await?, self.lock(step).await?)) };
        let begin = SystemTime::now();
        let age = |path: &Path| -> io::Result<Duration> {
            let modified = path.symlink_metadata()?.modified()?;
            Ok(begin.duration_since(modified).unwrap_or_default())
        };
        let look = || -> io::Result<(Pruned, Vec<PathBuf>)> {
            let (mut pruned, mut records) = (Pruned::default(), Vec::new());
            let (mut used, mut not_used) = (BTreeSet::new(), BTreeSet::new());
            for record in listing(&self.root().join("recipes"))? {
                let entry: Option<Entry> = serde_json::from_slice(&std::fs::read(&record)?).ok();
                let digests = entry.iter().flat_map(|entry| entry.outputs.values()).map(|blob| blob.digest.clone());
                let unused = age(&record)?;
                if unused < keep {
                    used.extend(digests);
                    continue;
                }
                let names = entry.iter().flat_map(|entry| entry.outputs.keys().cloned());
                pruned.unused.push((names.collect::<Vec<_>>().join(", "), unused));
                not_used.extend(digests);
                records.push(record);
            }
            for blob in listing(&self.root().join("blobs/sha256"))? {
                let digest = blob.file_name().unwrap_or_default().to_string_lossy().into_owned();
                // Without a lock, what was just brought may not be recorded yet.
                let known = !only_say || not_used.contains(&digest);
                if !used.contains(&digest) && (known || age(&blob)? >= keep) {
                    pruned.files.push(blob);
                }
            }
            for left in listing(&self.root().join("work"))? {
                // A download is resumed; of a build, a next one makes no use.
                if age(&left)? >= keep || (!only_say && left.is_dir()) {
                    pruned.files.push(left);
                }
            }
            pruned.size = pruned.files.iter().map(|file| occupied(file)).sum();
            Ok((pruned, records))
        };
        let remove = |pruned: &Pruned, records: &[PathBuf]| -> io::Result<()> {
            // The records first: one without its content would only be a puzzle.
            records.iter().try_for_each(std::fs::remove_file)?;
            pruned.files.iter().try_for_each(|file| {
                if file.is_dir() { std::fs::remove_dir_all(file) } else { std::fs::remove_file(file) }
            })
        };
        let result = look().and_then(|(pruned, records)| {
            if !only_say {
                remove(&pruned, &records)?;
            }
            Ok(pruned)
        });
        result.map_err(|error| Failure::other(format!("cannot prune {}", self.root().display())).because(&error))
    }
}

/// The entries of a directory, sorted; none where there is no directory.
fn listing(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    entries.sort();
    Ok(entries)
}

/// The bytes that a file, or all in a directory, takes on the disk.
fn occupied(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let below = if path.is_dir() { listing(path).unwrap_or_default() } else { Vec::new() };
    let own = path.symlink_metadata().map_or(0, |metadata| metadata.blocks() * 512);
    own + below.iter().map(|path| occupied(path)).sum::<u64>()
}
