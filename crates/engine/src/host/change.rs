//! What alters a host: a closed set of verbs, never one per module.

use std::fmt;
use std::path::PathBuf;

use super::command::quote;
use super::{Command, Output};

/// Owner, group and permission bits; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    pub owner: Option<String>,
    pub group: Option<String>,
    /// The permission bits, 0 to 0o7777.
    pub mode: Option<u32>,
}

/// One alteration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Writes a file: temporary name in the same directory, length and sha256 compared, then renamed.
    Write { path: String, content: Vec<u8>, attributes: Attributes },
    /// Streams a file of the workstation, with the same guarantees.
    Send { path: String, source: PathBuf, attributes: Attributes },
    /// Makes a directory and its parents.
    Directory { path: String, attributes: Attributes },
    /// Makes or replaces a symbolic link.
    Link { path: String, target: String },
    /// Sets attributes of what exists.
    Attributes { path: String, attributes: Attributes, recurse: bool },
    /// Removes a file, link or tree.
    Remove { path: String },
    /// Runs a command.
    Run(Command),
}

impl fmt::Display for Change {
    /// Writes what a person would type for about the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { path, content, .. } => write!(f, "write {} bytes to {}", content.len(), quote(path)),
            Self::Send { path, source, .. } => write!(f, "scp {} {}", quote(&source.to_string_lossy()), quote(path)),
            Self::Directory { path, .. } => write!(f, "mkdir -p {}", quote(path)),
            Self::Link { path, target } => write!(f, "ln -sfn {} {}", quote(target), quote(path)),
            Self::Attributes { path, attributes, recurse } => {
                let Attributes { owner, group, mode } = attributes;
                f.write_str("set")?;
                owner.iter().try_for_each(|owner| write!(f, " owner {owner}"))?;
                group.iter().try_for_each(|group| write!(f, " group {group}"))?;
                mode.iter().try_for_each(|mode| write!(f, " mode {mode:04o}"))?;
                write!(f, " of {}{}", quote(path), if *recurse { " and all in it" } else { "" })
            }
            Self::Remove { path } => write!(f, "rm -rf {}", quote(path)),
            Self::Run(command) => command.fmt(f),
        }
    }
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was made. Only `Run` has an output that is not empty.
    Done(Output),
    /// Check mode: nothing was altered.
    Withheld,
}
