//! One host, seen and altered over SSH.
//!
//! Seeing and altering are apart: [`Query`] alters nothing, and a [`Change`] is the only thing that does.
//! [`Host::connect`] waits for a [`Target`]; a [`HostView`] of the host offers the two verbs.

mod change;
mod channel;
mod command;
mod connect_error;
mod connection;
mod frame;
pub mod keys;
mod perform;
mod query;
mod recorded;
mod script;
mod send;
mod ssh;
mod target;
#[cfg(test)]
pub(crate) mod tests;
mod view;

pub use change::{Applied, Attributes, Change};
pub use command::{Command, Output, Program, quote};
pub use connect_error::{ConnectError, Reason};
pub use connection::Host;
pub use perform::of_file;
pub use query::{Answer, FileKind, Query, Stat};
pub use recorded::{Recorded, Said};
pub use target::{Become, Login, Target};
pub use view::{HostView, Mode};
