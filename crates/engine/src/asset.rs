//! Files that come with the program or from the user: playbooks, templates, files to copy.

use std::borrow::Cow;

use crate::failure::{Failure, Result};

/// A file's content, and where it came from.
#[derive(Clone, Debug)]
pub struct Asset {
    pub bytes: Cow<'static, [u8]>,
    /// As shown to people: a path, or `embedded:playbooks/node.yaml`.
    pub origin: String,
}

impl Asset {
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.bytes)
            .map_err(|error| Failure::invalid(format!("{} is no text", self.origin)).because(&error))
    }
}

/// The only way in which the engine gets at files of the workstation.
pub trait Assets: Sync {
    /// Reads a file by its name, such as `playbooks/node.yaml` or a path.
    fn read(&self, name: &str) -> Result<Asset>;
}

impl<F: Fn(&str) -> Result<Asset> + Sync> Assets for F {
    fn read(&self, name: &str) -> Result<Asset> {
        self(name)
    }
}

/// The first of several names that can be read; else the failure of the last.
pub fn first(assets: &dyn Assets, names: &[String]) -> Result<Asset> {
    let mut failure = Failure::invalid("no file is named");
    for name in names {
        match assets.read(name) {
            Ok(asset) => return Ok(asset),
            Err(other) => failure = other,
        }
    }
    Err(failure)
}
