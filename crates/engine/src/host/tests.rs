//! Hosts over an in-process SSH server and over a real sshd, with each shell as the remote `sh`.

mod connecting;
#[expect(clippy::print_stdout, reason = "figures are printed, never asserted")]
mod files;
mod running;
mod server;
#[expect(clippy::print_stdout, reason = "figures are printed, never asserted")]
mod sshd;
mod world;

pub(crate) use sshd::Sshd;
pub(crate) use world::{World, connect};
