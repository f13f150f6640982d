//! What can be seen of a host without altering it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::command::quote;
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

impl fmt::Display for Query {
    /// Writes what a person would type to ask the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stat(path) => write!(f, "stat {}", quote(path)),
            Self::Read(path) => write!(f, "cat {}", quote(path)),
            Self::Run(command) => command.fmt(f),
        }
    }
}

/// The answer to a [`Query`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Stat(Option<Stat>),
    Read(Option<Vec<u8>>),
    Run(Output),
}

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    File,
    Directory,
    Link,
    Other,
}

/// A file's attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stat {
    pub kind: FileKind,
    /// The permission bits, 0 to 0o7777.
    #[serde(with = "octal")]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The content's sha256 in hexadecimal, of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Permission bits as people write them: `"0644"`.
mod octal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub(super) fn serialize<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{mode:04o}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        u32::from_str_radix(&text, 8).map_err(|_| D::Error::custom(format!("not a mode: {text}")))
    }
}
