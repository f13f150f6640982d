//! Writes tar files whose bytes depend on nothing but their contents.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use engine::digest;

/// 2026-01-01T00:00:00Z, the time of every entry.
const MODIFIED: u64 = 1_767_225_600;

/// A tar file under way.
pub struct Writer<W: Write> {
    tar: tar::Builder<W>,
    directories: BTreeSet<String>,
}

impl<W: Write> Writer<W> {
    pub fn new(inner: W) -> Self {
        Self { tar: tar::Builder::new(inner), directories: BTreeSet::new() }
    }

    /// Writes the directories above a path that are not there yet.
    pub fn parents(&mut self, path: &str) -> io::Result<()> {
        for (end, _) in path.match_indices('/') {
            self.directory(&path[..end], 0o755)?;
        }
        Ok(())
    }

    pub fn directory(&mut self, path: &str, mode: u32) -> io::Result<()> {
        if !self.directories.insert(path.to_owned()) {
            return Ok(());
        }
        let mut header = header(mode, 0);
        header.set_entry_type(tar::EntryType::Directory);
        self.tar.append_data(&mut header, format!("{path}/"), io::empty())
    }

    pub fn file(&mut self, path: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
        self.stream(path, mode, bytes.len() as u64, &mut &*bytes)
    }

    pub fn stream(&mut self, path: &str, mode: u32, size: u64, reader: &mut impl Read) -> io::Result<()> {
        self.tar.append_data(&mut header(mode, size), path, reader)
    }

    pub fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        let mut header = header(0o777, 0);
        header.set_entry_type(tar::EntryType::Symlink);
        self.tar.append_link(&mut header, path, target)
    }

    /// A blob of an OCI layout.
    pub fn blob(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file(&format!("blobs/sha256/{}", digest::of_bytes(bytes)), 0o644, bytes)
    }

    /// Ends the archive and hands the inner writer back.
    pub fn finish(self) -> io::Result<W> {
        self.tar.into_inner()
    }
}

fn header(mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(MODIFIED);
    header.set_uid(0);
    header.set_gid(0);
    header
}
