//! Hosts over an in-process SSH server and over a real sshd, with each shell as the remote `sh`.

mod connecting;
mod files;
mod running;
mod server;
mod sshd;
mod world;

pub(crate) use sshd::Sshd;
pub(crate) use world::{World, connect};
