//! Makes machines through libvirt, and reads the ground they will stand on.
//!
//! Start reading at [`Provider`]: `open`, `prepare`, `ensure`, and later `clusters` and `destroy`.
//! libvirt itself is in another process, `seedbed-libvirt`: a missing library must not stop what
//! needs no machines, and a call that hangs can be killed.

mod client;
mod definition;
mod destroy;
mod diagnosis;
mod failure;
mod image;
mod iso;
mod locate;
mod machines;
mod network;
mod owner;
mod pool;
mod provider;
mod registry;
mod seed;
mod site;
#[cfg(test)]
mod tests;
pub(crate) mod xml;

pub use client::{Client, Trouble};
pub use destroy::Removed;
pub use diagnosis::word as state_word;
pub use image::{Disk, Format, Image};
pub use locate::executable;
pub use machines::{Ground, Machine};
pub use owner::{ClusterFound, NodeFound, made_in, pool_name, pool_uuid, real};
pub use provider::Provider;
pub use registry::Kept;
pub use seed::Seed;
pub use site::local_kvm;
