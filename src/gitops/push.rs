//! Sends the user's commits to the cluster's repository, and follows them until everything is Ready.

use std::time::{Duration, Instant};

use engine::event::Step;
use engine::failure::Failure;
use serde::Serialize;

use super::follow::{self, Times, seconds};
use super::{Reached, follow::nudge};
use crate::githost::{self, Revision};
use crate::phase;
use crate::spec::Cluster;
use crate::state::State;

/// What a push did.
#[derive(Clone, Debug, Serialize)]
pub struct Pushed {
    /// The commit of the user's source.
    pub commit: String,
    /// The tip of the remote branch, which contains it.
    pub tip: String,
    pub branch: String,
    pub url: String,
    /// Whether anything was sent; nothing where the branch has it already.
    pub sent: bool,
    /// How long sending took.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
    /// None where nobody waited.
    pub times: Option<Times>,
}

/// Sends the commits as `up` seeds them, never forced, and tells Flux; with `wait`, until everything is Ready.
pub async fn push(cluster: &Cluster, state: &State, wait: bool, step: &Step) -> Result<Pushed, Vec<Failure>> {
    let reached = Reached::find(cluster, state, step).await?;
    reached.push(wait, step).await.map_err(|failure| vec![failure])
}

impl Reached {
    async fn push(&self, wait: bool, step: &Step) -> Result<Pushed, Failure> {
        let start = Instant::now();
        let revision = self.send(step).await?;
        let mut pushed = Pushed {
            commit: revision.commit.clone(),
            tip: revision.tip.clone(),
            branch: self.gitops.spec.branch.clone(),
            url: self.gitops.url.clone(),
            sent: revision.pushed,
            took: start.elapsed(),
            times: None,
        };
        if wait {
            let expected = phase::ready::expected(&self.plan, &revision);
            let times = follow::follow(&self.client, &self.gitops.url, &revision, &expected, step).await?;
            pushed.times = Some(times);
        } else {
            nudge(&self.client, &self.gitops.url, step).await?;
        }
        Ok(pushed)
    }

    async fn send(&self, step: &Step) -> Result<Revision, Failure> {
        let sending = step.child_of("push", &self.gitops.spec.branch, &[]);
        let remote = &self.entrance.remote;
        let result = githost::seed(&self.source, remote, self.gitops.spec.dirty, &sending).await;
        if let Ok(seeded) = &result
            && seeded.commit != seeded.tip
        {
            sending.note("`seedbed gitops pull` brings the commits that the cluster is ahead by");
        }
        let seeded = sending.conclude_as(result, |seeded| seeded.pushed)?;
        Ok(Revision::new(seeded, self.source.git().clone(), remote.clone()))
    }
}
