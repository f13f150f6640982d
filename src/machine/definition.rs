//! The XML that libvirt's objects are defined from. Pure.

mod domain;
mod network;
mod storage;

pub use domain::{Boot, Connected, DomainParts, domain, seed_disk};
pub use network::{host_entry, network};
pub use storage::{overlay, plain_volume, pool};
