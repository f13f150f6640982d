//! One host, seen and altered over SSH.
//!
//! Seeing and altering are apart: [`Query`] alters nothing, and a [`Change`] is the only thing that does.

mod change;
mod command;
pub mod keys;
mod query;

pub use change::{Applied, Attributes, Change};
pub use command::{Command, Output, Program, quote};
pub use query::{Answer, FileKind, Query, Stat};
