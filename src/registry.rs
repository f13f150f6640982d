//! Images of the user's own: read from archives, pushed to the embedded registry.
//!
//! Start reading at [`push()`]: an [`Image`] of an [`Archive`] goes to a [`Registry`] under a [`Name`].

mod archive;
mod client;
mod docker;
mod image;
mod layout;
mod name;
mod push;
mod saved;
mod secrets;
mod trouble;
mod upload;

pub use archive::{Archive, Piece};
pub use client::Registry;
pub use docker::save;
pub use image::{Blob, Image};
pub use name::Name;
pub use push::{Pushed, push};
pub use secrets::secrets;
pub use trouble::Trouble;
