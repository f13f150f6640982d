//! What a run did, host by host.

use crate::failure::{Failure, Result};

/// What a run did on all hosts.
#[derive(Clone, Debug, Default)]
pub struct Recap {
    pub hosts: Vec<HostRecap>,
}

/// What a run did on one host, counted as Ansible counts.
#[derive(Clone, Debug, Default)]
pub struct HostRecap {
    pub host: String,
    /// Tasks that ended well, changed or not.
    pub ok: usize,
    pub changed: usize,
    pub skipped: usize,
    pub failed: usize,
    pub rescued: usize,
    pub ignored: usize,
    /// The names of the tasks that changed something.
    pub changed_tasks: Vec<String>,
    /// Why it took no further part.
    pub failure: Option<Failure>,
}

impl Recap {
    /// The failures of all hosts.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.hosts.iter().filter_map(|host| host.failure.as_ref())
    }

    /// Whether anything was changed anywhere.
    pub fn changed(&self) -> bool {
        self.hosts.iter().any(|host| host.changed > 0)
    }
}

impl HostRecap {
    /// The failure, if there is one.
    pub fn into_result(mut self) -> Result<Self> {
        self.failure.take().map_or(Ok(self), Err)
    }
}
