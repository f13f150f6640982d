//! What is read from files for a plan's text: the user's files and artifacts in the place of others.

use std::path::{Path, PathBuf};

use engine::digest;
use engine::failure::{Failure, Result};
use serde::Serialize;

use crate::assets::Assets;
use crate::spec::{ArtifactSource, Check, Cluster};

/// A file in the place of an artifact or of an embedded file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Override {
    pub name: String,
    pub file: PathBuf,
    /// In hexadecimal.
    pub sha256: String,
}

/// What a plan shows beside the plan itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Extras {
    pub source: ArtifactSource,
    pub artifacts: Vec<Override>,
    pub assets: Vec<Override>,
    pub checks: Vec<Check>,
}

impl Extras {
    /// Reads and hashes the files.
    pub fn read(cluster: &Cluster, assets: &Assets) -> Result<Self> {
        let over = |name: &str, file: &Path| {
            let sha256 = sha256(file)?;
            Ok(Override { name: name.to_owned(), file: file.to_owned(), sha256 })
        };
        let artifacts =
            cluster.artifacts.overrides.iter().map(|(name, file)| over(name, file)).collect::<Result<_>>()?;
        let assets = assets.overrides().iter().map(|(name, file)| over(name, file)).collect::<Result<_>>()?;
        Ok(Self { source: cluster.artifacts.source, artifacts, assets, checks: cluster.checks.clone() })
    }
}

fn sha256(file: &Path) -> Result<String> {
    let (digest, _) = digest::of_file(file)
        .map_err(|error| Failure::invalid(format!("cannot read {}", file.display())).because(&error))?;
    Ok(digest)
}
