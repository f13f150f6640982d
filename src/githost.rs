//! The Git host: where the cluster's repository lies, how it is seeded, and how its commits come back.
//!
//! Everything is done by the `git` program on the workstation. Nothing is ever forced.

mod access;
mod amend;
mod aside;
mod embedded;
mod entrance;
mod fetch_back;
mod git;
mod incoming;
mod keep;
mod remote;
mod revision;
mod seed;
mod source;
mod tree;

pub use access::Access;
pub use amend::amend;
pub use aside::Aside;
pub use embedded::{Embedded, webhook_path};
pub use entrance::{
    Entrance, SecretData, enter, read as read_credentials, receiver_token, repository_path, require_credentials,
};
pub use fetch_back::{FetchedBack, Received, fetch_back, pull};
pub use git::Git;
pub use remote::Remote;
pub use revision::Revision;
pub use seed::{Seeded, seed};
pub use source::Source;

#[cfg(test)]
mod tests;
