//! The record of what is there.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use engine::failure::{Failure, Result};
use serde::Serialize;

use super::catalog::Kind;

/// One artifact that lies in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bit {
    pub name: String,
    pub kind: Kind,
    pub version: String,
    /// The file name that it has on a node.
    pub file: String,
    /// The image's full reference.
    pub reference: Option<String>,
    pub origin: Origin,
    /// The content's SHA-256 in lower-case hexadecimal digits.
    pub digest: String,
    /// In bytes.
    pub size: u64,
    /// Where it lies, in the store; never to be written to.
    pub path: PathBuf,
}

/// Where an artifact comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Downloaded from upstream or a mirror of it.
    Upstream,
    /// Built from pinned sources.
    Build,
    /// The user's own file.
    Override,
}

/// Artifacts by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bits(BTreeMap<String, Bit>);

impl Bits {
    pub fn insert(&mut self, bit: Bit) {
        self.0.insert(bit.name.clone(), bit);
    }

    /// An artifact that was asked for; a failure when it was not.
    pub fn get(&self, name: &str) -> Result<&Bit> {
        self.0.get(name).ok_or_else(|| Failure::other(format!("artifact `{name}` was not asked for")))
    }

    /// Where an artifact lies.
    pub fn path(&self, name: &str) -> Result<&Path> {
        self.get(name).map(|bit| bit.path.as_path())
    }

    /// The text of a manifest.
    pub fn manifest(&self, name: &str) -> Result<String> {
        let path = self.path(name)?;
        std::fs::read_to_string(path)
            .map_err(|error| Failure::other(format!("cannot read manifest `{name}`")).because(&error))
    }

    /// Copies all of them into a directory, under the names that they have on a node; programs are executable.
    pub fn copy_to(&self, directory: &Path) -> Result<()> {
        let wrong = |error: std::io::Error| {
            Failure::other(format!("cannot copy artifacts to {}", directory.display())).because(&error)
        };
        std::fs::create_dir_all(directory).map_err(wrong)?;
        for bit in self.iter() {
            let program = matches!(bit.kind, Kind::Binary | Kind::Plugin | Kind::Tool);
            let mode = if program { 0o755 } else { 0o644 };
            let target = directory.join(&bit.file);
            // Beside the target first: a running program's file cannot be written to.
            let copy = || -> std::io::Result<()> {
                let part = tempfile::NamedTempFile::new_in(directory)?;
                std::fs::copy(&bit.path, part.path())?;
                std::fs::set_permissions(part.path(), std::fs::Permissions::from_mode(mode))?;
                part.persist(&target).map_err(|error| error.error)?;
                Ok(())
            };
            copy().map_err(wrong)?;
        }
        Ok(())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Bit> {
        self.0.values()
    }

    /// The artifacts of one kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Bit> {
        self.iter().filter(move |bit| bit.kind == kind)
    }
}
