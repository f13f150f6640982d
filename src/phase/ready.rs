//! Waits until everything in the repository is Ready.

use std::time::Duration;

use engine::event::Step;
use engine::failure::Result;
use kube::Client;

use crate::flux::{self, Expected, ObjectStatus};
use crate::githost::Revision;
use crate::plan::{Pace, Plan};

/// Everything in the repository is Ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Every object of Flux.
    pub objects: Vec<ObjectStatus>,
}

/// Waits until everything is Ready at a commit that contains the seeded one; fails with the one cause why not.
pub async fn ready(plan: &Plan, client: &Client, revision: &Revision, step: &Step) -> Result<Ready> {
    let contains = async |commit: &str| revision.contains(commit).await;
    let snapshot = flux::wait_until_ready(client, &expected(plan, revision), contains, step).await?;
    Ok(Ready { objects: flux::status_of(&snapshot) })
}

/// What is waited for on a plan's machines, and for how long.
pub fn expected(plan: &Plan, revision: &Revision) -> Expected {
    expected_at(plan, revision.tip.clone())
}

/// The same for a commit that may not be there yet.
pub fn expected_at(plan: &Plan, commit: String) -> Expected {
    let (deadline, pause) = match plan.pace {
        Pace::Native => (Duration::from_secs(20 * 60), Duration::from_secs(2)),
        // A look costs an emulated API server a good part of a second.
        Pace::Emulated => (Duration::from_secs(45 * 60), Duration::from_secs(5)),
    };
    let nodes = plan.nodes.iter().map(|node| node.name.clone()).collect();
    Expected { commit, nodes, deadline, pause }
}
