//! What is read from files for a plan's text: the user's files and artifacts in the place of others.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use engine::failure::{Failure, Result};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::fingerprint::hex;
use crate::assets::Assets;
use crate::spec::{ArtifactSource, Cluster};

/// A file in the place of an artifact or of an embedded file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Override {
    pub name: String,
    pub file: PathBuf,
    /// In hexadecimal.
    pub sha256: String,
}

/// What a plan shows beside the plan itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extras {
    pub source: ArtifactSource,
    pub artifacts: Vec<Override>,
    pub assets: Vec<Override>,
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
        Ok(Self { source: cluster.artifacts.source, artifacts, assets })
    }
}

fn sha256(file: &Path) -> Result<String> {
    let failed = |error: io::Error| Failure::invalid(format!("cannot read {}", file.display())).cause(error);
    let mut open = File::open(file).map_err(failed)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match io::Read::read(&mut open, &mut buffer).map_err(failed)? {
            0 => return Ok(hex(&digest.finalize())),
            length => digest.update(&buffer[..length]),
        }
    }
}
