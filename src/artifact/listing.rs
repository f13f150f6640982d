//! What `seedbed artifacts list` and `plan` show.

use engine::failure::Result;
use serde::Serialize;

use super::bits::Origin;
use super::catalog::{Catalog, Kind};
use super::store::Store;
use crate::spec::Artifacts;

/// One artifact and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub name: String,
    pub kind: Kind,
    pub version: String,
    pub license: String,
    pub reference: Option<String>,
    /// Nothing while it still has to be fetched or built.
    pub there: Option<There>,
}

/// An artifact's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct There {
    pub origin: Origin,
    pub digest: String,
    pub size: u64,
}

/// Lists all artifacts in the order of their names. It alters nothing.
pub fn list(store: &Store, catalog: &Catalog, settings: &Artifacts) -> Result<Vec<Listed>> {
    let artifacts = catalog.artifacts.values().map(|artifact| {
        let bit = store.bit(catalog, artifact, settings)?;
        Ok(Listed {
            name: artifact.name.clone(),
            kind: artifact.kind,
            version: artifact.version.clone(),
            license: artifact.license.clone(),
            reference: artifact.reference.clone(),
            there: bit.map(|bit| There { origin: bit.origin, digest: bit.digest, size: bit.size }),
        })
    });
    artifacts.collect()
}
