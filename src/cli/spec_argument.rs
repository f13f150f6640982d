//! The argument SPEC.

use std::path::{Path, PathBuf};

use clap::Args;
use engine::failure::Failure;

use super::{Global, say};
use crate::error::render_warnings;
use crate::report::Paint;
use crate::spec::{self, Cluster, Sources};

/// The argument SPEC.
#[derive(Clone, Debug, Args)]
pub struct Spec {
    /// The cluster spec; of a directory, the `seedbed.yaml` in it
    #[arg(default_value = "seedbed.yaml")]
    spec: PathBuf,
}

impl Spec {
    /// The file.
    pub fn file(&self) -> PathBuf {
        of(&self.spec)
    }

    /// Reads and checks it; every mistake at once.
    pub fn load(&self) -> Result<Cluster, Vec<Failure>> {
        spec::load(self.file())
    }

    /// Reads it without looking for what it names: for a cluster that is only looked at, or removed.
    pub fn load_alone(&self) -> Result<Cluster, Vec<Failure>> {
        spec::load_alone(self.file())
    }

    /// Reads and checks it with all that it names, as `validate` does: nothing is made on a broken repository.
    pub fn load_whole(&self, global: &Global, sources: Sources) -> Result<Cluster, Vec<Failure>> {
        let report = spec::validate(self.file(), sources);
        say(&render_warnings(&report.warnings, Paint::for_stderr(global.color)));
        if report.failures.is_empty() { self.load() } else { Err(report.failures) }
    }
}

/// The spec that a path names.
pub fn of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("seedbed.yaml") } else { path.to_owned() }
}
