//! What a workstation lacks, and the command that mends it.
//!
//! [`Workstation::look`] reads, [`checks`] decides: pure, so that every answer is tested. Works without
//! libvirt installed.

mod checks;
mod distribution;
mod workstation;

use serde::Serialize;

pub use checks::checks;
pub use distribution::Distribution;
pub use workstation::{Daemon, Helper, Workstation};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub state: State,
    /// What was found, a few words.
    pub found: String,
    /// The command that mends it.
    pub mend: Option<String>,
    /// The packages that mend it.
    pub packages: Vec<&'static str>,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Fine,
    /// Works without; slower, or not everything.
    Advice,
    /// `up` is refused without.
    Missing,
}

impl Check {
    fn fine(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Fine, found: found.into(), mend: None, packages: Vec::new() }
    }

    fn advice(name: &'static str, found: impl Into<String>) -> Self {
        Self { state: State::Advice, ..Self::fine(name, found) }
    }

    fn missing(name: &'static str, found: impl Into<String>) -> Self {
        Self { state: State::Missing, ..Self::fine(name, found) }
    }

    fn by_command(mut self, command: impl Into<String>) -> Self {
        self.mend = Some(command.into());
        self
    }

    /// Mended by packages of this distribution; says so where it has none.
    fn by_packages(mut self, distribution: &Distribution, debian: &[&'static str], fedora: &[&'static str]) -> Self {
        self.packages = distribution.packages(debian, fedora).to_vec();
        self.mend = distribution.install(&self.packages);
        self
    }
}

/// The one command that installs every package which is needed and missing.
pub fn install(distribution: &Distribution, checks: &[Check]) -> Option<String> {
    distribution.install(&packages(checks))
}

/// Every package that is needed and missing, once.
pub fn packages(checks: &[Check]) -> Vec<&'static str> {
    let mut packages: Vec<&str> = Vec::new();
    for package in checks.iter().filter(|check| check.state == State::Missing).flat_map(|check| &check.packages) {
        if !packages.contains(package) {
            packages.push(package);
        }
    }
    packages
}
