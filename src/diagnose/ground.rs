//! What is known of a cluster before anything is asked.

use std::net::Ipv4Addr;

use engine::failure::Failure;
use serde::Deserialize;

use crate::identity::Identity;
use crate::plan::{NodePlan, Pace};
use crate::spec::Cluster;
use crate::state::State;

/// How many times longer things take where machines are emulated: an API server that also recovers from what is
/// diagnosed was met that took a minute for what takes a second natively.
const SLOW: u32 = 10;

/// Spec, state directory, and what could be read from it.
#[derive(Debug)]
pub struct Ground<'a> {
    pub cluster: &'a Cluster,
    pub state: &'a State,
    pub identity: Option<Identity>,
    pub applied: Option<Applied>,
    /// Why the state directory is of no use.
    pub problem: Option<Failure>,
}

/// Where the last `up` put things: a part of its plan.
#[derive(Clone, Debug, Deserialize)]
pub struct Applied {
    pub pace: Pace,
    pub nodes: Vec<NodePlan>,
    pub kubernetes: Endpoint,
}

/// Where the API is.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Endpoint {
    pub address: Ipv4Addr,
    pub port: u16,
}

impl<'a> Ground<'a> {
    /// Reads the state directory. Never fails: a broken one is what is diagnosed.
    pub fn read(cluster: &'a Cluster, state: &'a State) -> Self {
        let (identity, mut problem) = match Identity::load(state.directory()) {
            Ok(identity) => (identity, None),
            Err(failure) => (None, Some(failure)),
        };
        if identity.is_none() && problem.is_none() {
            let what = format!("no identity of {} is in {}", cluster.name, state.directory().display());
            let failure = Failure::refused(what).hint(
                "`seedbed up` makes it; of a cluster that exists, put the state directory back, or `seedbed rebuild`.",
            );
            problem = Some(failure);
        }
        let applied = state.applied().ok().flatten().and_then(|plan| serde_json::from_value(plan).ok());
        Self { cluster, state, identity, applied, problem }
    }

    /// How many times longer everything may take than on native machines.
    pub fn slowness(&self) -> u32 {
        let emulated = self.applied.as_ref().is_some_and(|applied| applied.pace == Pace::Emulated);
        if emulated { SLOW } else { 1 }
    }

    /// The identity and the last plan, or why hosts and API cannot be reached without them.
    pub fn reach(&self) -> Result<(&Identity, &Applied), &'static str> {
        match (&self.identity, &self.applied) {
            (Some(identity), Some(applied)) => Ok((identity, applied)),
            (None, _) => Err("the state directory holds no identity, so nothing lets us in"),
            (_, None) => Err("the state directory holds no plan: no `up` has got as far as making machines"),
        }
    }
}
