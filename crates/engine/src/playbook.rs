//! Ansible-shaped playbooks: read into one tree, made into typed plays, run on hosts.
//!
//! [`load`] parses a playbook and everything it imports, [`check`] finds what is wrong with it before anything is
//! made, [`run`] runs it on hosts and [`run_on`] on one.

pub mod node;
pub mod yaml;

mod check;
mod files;
mod parse;
mod play;
mod run;
#[cfg(test)]
mod tests;

pub use check::check;
pub use parse::load;
pub use play::{Block, Call, Condition, Item, Loop, LoopKind, Play, Playbook, Settings, Strategy, Task};
pub use run::{HostContext, HostRecap, Recap, RunOptions, run, run_on, size};
