//! `seedbed gitops`: the repository of a cluster that runs, from the workstation.

mod follow;
mod pull;
mod push;
mod reach;

pub use follow::{Times, follow};
pub use pull::pull;
pub use push::{Pushed, push};
pub use reach::Reached;
