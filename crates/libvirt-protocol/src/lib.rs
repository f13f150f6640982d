//! What seedbed and its executable `seedbed-libvirt` say to each other: JSON lines over stdin and stdout.
//!
//! Every request carries an id of the asker's choice; requests run side by side, so replies come in
//! any order. A request ends with `Done` or `Failed`; an upload writes `Progress` before that.

mod object;
mod request;

use serde::{Deserialize, Serialize};

pub use object::{Connection, Domain, DomainState, Lease, Network, Pool, Volume};
pub use request::{Action, Answer, Subject};

/// One line on stdin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    pub action: Action,
}

/// One line on stdout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The request's id.
    pub id: u64,
    pub body: Body,
}

/// What a line on stdout says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Bytes moved so far, and of how many.
    Progress {
        done: u64,
        total: u64,
    },
    Done(Answer),
    Failed(Error),
}

/// An error as libvirt gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    pub code: Code,
    /// The number behind the code, as in libvirt's `virErrorNumber`; 0 where libvirt was not asked.
    pub number: u32,
    /// The part of libvirt that it comes from, as in `virErrorDomain`.
    pub domain: String,
    /// The message, verbatim.
    pub message: String,
}

/// The error codes that seedbed acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The daemon or the hypervisor cannot be reached.
    NoConnection,
    /// The caller may not do this.
    Denied,
    /// The named object does not exist.
    Missing,
    /// An object of this name or UUID exists.
    Exists,
    /// The object is used by something else now.
    Busy,
    /// Not in the object's present state.
    Invalid,
    /// The driver cannot do this.
    Unsupported,
    /// The XML is refused.
    Xml,
    /// A local file cannot be read.
    File,
    /// Anything else.
    Other,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
