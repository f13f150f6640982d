//! `seedbed gitops`: the repository of a cluster that runs, from the workstation.

pub mod diff;
mod follow;
mod pull;
mod push;
mod reach;

pub use diff::diff;
pub use follow::{Times, follow};
pub use pull::pull;
pub use push::{Pushed, push};
pub use reach::Reached;
