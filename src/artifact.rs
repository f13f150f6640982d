//! What a cluster is made of: found in the store, downloaded, or built from pinned sources.
//!
//! `Catalog` says what there is, `Store` holds it by content, `Store::ensure` brings what is missing,
//! and `Bits` is the plain record that everything else reads.

mod archive;
mod bits;
mod build;
mod catalog;
mod disk;
mod ensure;
mod listing;
mod needed;
mod process;
mod prune;
mod recipe;
mod source;
mod store;

pub use bits::{Bit, Bits, Origin};
pub use catalog::{Artifact, Catalog, Component, Kind};
pub use disk::{LABEL, bits_disk, place};
pub use listing::{Listed, list};
pub use needed::needed;
pub use prune::Pruned;
pub use store::{Lock, Store};
