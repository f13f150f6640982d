//! `seedbed down`: everything that is the cluster's goes, and nothing else; no commit is lost.
//!
//! Works from the objects' own metadata, so also without the state directory.

mod commits;
mod existing;

use engine::event::Step;
use engine::failure::{Failure, Result};
use tokio_util::sync::CancellationToken;

use crate::githost::FetchedBack;
use crate::identity::Identity;
use crate::machine::{ClusterFound, Provider};
use crate::spec::Cluster;
use crate::state::State;
use crate::up;

/// What the user allows.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The repository in the cluster goes without a look at it.
    pub discard_commits: bool,
    /// The cluster is made anew: commits that its source lacks stop it before anything goes.
    pub anew: bool,
}

/// One removal.
struct Removal<'a> {
    cluster: &'a Cluster,
    state: &'a State,
    identity: Option<&'a Identity>,
    terms: &'a Terms,
    step: &'a Step,
    token: &'a CancellationToken,
}

/// Removes a cluster: commits made in it first, then its machines, its pool, its network, and its state.
pub async fn down(
    cluster: &Cluster,
    state: &State,
    terms: &Terms,
    step: &Step,
    token: &CancellationToken,
) -> Result<()> {
    let identity = Identity::load(state.directory())?;
    if let Some(identity) = &identity {
        identity.register(step.events().secrets());
    }
    let removal = Removal { cluster, state, identity: identity.as_ref(), terms, step, token };
    match up::provider(cluster).await? {
        Some(provider) => removal.machines(&provider).await?,
        None => existing::down(&removal).await?,
    }
    // Last: whatever failed above can be tried again with what is in it.
    let had_state = state.exists();
    let removing = step.child("remove the state directory");
    state.remove()?;
    removing.finish(had_state);
    Ok(())
}

impl Removal<'_> {
    /// Removes what libvirt has of the cluster. All commits are fetched before the first machine goes.
    async fn machines(&self, provider: &Provider) -> Result<()> {
        let found = find(provider, self.cluster, self.identity).await?;
        if self.may_hold_commits() {
            for found in &found {
                self.commits(async |step| commits::fetch(self.cluster, found, self.identity, step).await).await?;
            }
        }
        for found in &found {
            if self.token.is_cancelled() {
                return Err(Failure::interrupted());
            }
            let removing = self.step.child("remove machines");
            let removed = provider.destroy(&found.name, found.id, &removing).await;
            match &removed {
                Ok(removed) => removing.finish(!removed.is_empty()),
                Err(failure) => removing.fail(failure),
            }
            removed?;
        }
        Ok(())
    }

    /// With the identity at hand, it is known whether a repository was ever seeded.
    fn may_hold_commits(&self) -> bool {
        !self.terms.discard_commits && (self.identity.is_none() || self.state.seeded())
    }

    /// Fetches commits as a step; stops a cluster that is made anew where its source lacks some of them.
    async fn commits(&self, fetch: impl AsyncFnOnce(&Step) -> Result<Vec<FetchedBack>>) -> Result<()> {
        let fetching = self.step.child("fetch commits");
        let fetched = fetch(&fetching).await.and_then(|fetched| {
            let stop = self.terms.anew.then(|| commits::refuse_aside(&fetched)).flatten();
            stop.map_or(Ok(fetched), Err)
        });
        match &fetched {
            Ok(fetched) => fetching.finish(!fetched.is_empty()),
            Err(failure) => fetching.fail(failure),
        }
        fetched.map(drop)
    }
}

/// The cluster of the identity, or without one every cluster of the spec's name.
async fn find(provider: &Provider, cluster: &Cluster, identity: Option<&Identity>) -> Result<Vec<ClusterFound>> {
    let Some(identity) = identity else { return provider.find(&cluster.name).await };
    // A pool may be all that is left; it is found by the id alone.
    let bare = ClusterFound { id: identity.id, name: cluster.name.clone(), network: None, nodes: Vec::new() };
    Ok(vec![provider.cluster(identity.id).await?.unwrap_or(bare)])
}
