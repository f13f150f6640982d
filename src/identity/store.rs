//! `identity.json` in the state directory: 0600 in 0700, replaced as a whole.

use std::fs;
use std::io;
use std::path::Path;

use engine::failure::{Failure, Result};
use engine::place::Place;

use super::{Identity, VERSION};
use crate::state::{private_directory, write_private};

const NAME: &str = "identity.json";

impl Identity {
    /// Reads the identity in a state directory; none if there is none.
    pub fn load(state: &Path) -> Result<Option<Self>> {
        let path = state.join(NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(&path, "cannot be read").because(&error)),
        };
        let identity: Self = serde_json::from_str(&text)
            // The text of a parse error never quotes a value of a field, so no secret either.
            .map_err(|error| unusable(&path, "does not parse").because(&error))?;
        if identity.version != VERSION {
            let what = format!("has version {}; this seedbed reads {VERSION}", identity.version);
            return Err(unusable(&path, &what));
        }
        Ok(Some(identity))
    }

    /// Writes the identity into a state directory, which is made if need be.
    pub fn save(&self, state: &Path) -> Result<()> {
        let path = state.join(NAME);
        let text = serde_json::to_string_pretty(self).map_err(|error| Failure::other("an identity").because(&error))?;
        private_directory(state)?;
        write_private(&path, text.as_bytes())
    }
}

fn unusable(path: &Path, what: &str) -> Failure {
    Failure::invalid(format!("{} {what}", path.display()))
        .place(Place::file(path.display().to_string()))
        .hint("Restore the file from a backup, or make the cluster anew with `seedbed rebuild`.")
}
