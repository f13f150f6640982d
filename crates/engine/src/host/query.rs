//! What can be seen of a host without altering it.

use super::{Command, Output};

/// A question that alters nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// A file's attributes, not following a final link.
    Stat(String),
    /// A file's content.
    Read(String),
    /// A command that by its author's word alters nothing.
    Run(Command),
}

/// The answer to a [`Query`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Stat(Option<Stat>),
    Read(Option<Vec<u8>>),
    Run(Output),
}

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    File,
    Directory,
    Link,
    Other,
}

/// A file's attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    pub kind: FileKind,
    /// The permission bits, 0 to 0o7777.
    pub mode: u32,
    pub owner: String,
    pub group: String,
    pub uid: u32,
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// Seconds since 1970.
    pub modified: i64,
    /// Where a link points to.
    pub target: Option<String>,
    /// The content's sha256 in hexadecimal, of files.
    pub sha256: Option<String>,
}
