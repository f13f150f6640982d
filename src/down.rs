//! `seedbed down`: everything that is the cluster's goes, and nothing else; no commit is lost.
//!
//! Works from the objects' own metadata, so also without the state directory.

mod commits;
mod existing;

pub use commits::kept_bundle;
use engine::event::Step;
use engine::failure::{Failure, Result};
use tokio_util::sync::CancellationToken;

use crate::identity::Identity;
use crate::machine::{ClusterFound, Provider};
use crate::spec::Cluster;
use crate::state::State;
use crate::up;

/// Removes a cluster: commits made in it first, then its machines, its pool, its network, and its state.
///
/// With `discard_commits`, the repository in the cluster goes without a look at it.
pub async fn down(
    cluster: &Cluster,
    state: &State,
    discard_commits: bool,
    step: &Step,
    token: &CancellationToken,
) -> Result<()> {
    let identity = Identity::load(state.directory())?;
    if let Some(identity) = &identity {
        identity.register(step.events().secrets());
    }
    match up::provider(cluster).await? {
        Some(provider) => {
            for found in find(&provider, cluster, identity.as_ref()).await? {
                remove(&provider, cluster, state, &found, identity.as_ref(), discard_commits, step, token).await?;
            }
        }
        None => existing::down(cluster, identity.as_ref(), discard_commits, step, token).await?,
    }
    // Last: whatever failed above can be tried again with what is in it.
    let had_state = state.exists();
    let removing = step.child("remove the state directory");
    state.remove()?;
    removing.finish(had_state);
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "one removal, of what `down` found and was told")]
async fn remove(
    provider: &Provider,
    cluster: &Cluster,
    state: &State,
    found: &ClusterFound,
    identity: Option<&Identity>,
    discard_commits: bool,
    step: &Step,
    token: &CancellationToken,
) -> Result<()> {
    // With the identity at hand, it is known whether a repository was ever seeded.
    if !discard_commits && (identity.is_none() || state.seeded()) {
        let fetching = step.child("fetch commits");
        let fetched = commits::fetch(cluster, found, identity, &fetching).await;
        let changed = *fetched.as_ref().unwrap_or(&false);
        match &fetched {
            Ok(_) => fetching.finish(changed),
            Err(failure) => fetching.fail(failure),
        }
        fetched?;
    }
    if token.is_cancelled() {
        return Err(Failure::interrupted());
    }
    let removing = step.child("remove machines");
    let removed = provider.destroy(&found.name, found.id, &removing).await;
    match &removed {
        Ok(removed) => removing.finish(!removed.is_empty()),
        Err(failure) => removing.fail(failure),
    }
    removed.map(drop)
}

/// The cluster of the identity, or without one every cluster of the spec's name.
async fn find(provider: &Provider, cluster: &Cluster, identity: Option<&Identity>) -> Result<Vec<ClusterFound>> {
    let Some(identity) = identity else { return provider.find(&cluster.name).await };
    // A pool may be all that is left; it is found by the id alone.
    let bare = ClusterFound { id: identity.id, name: cluster.name.clone(), network: None, nodes: Vec::new() };
    Ok(vec![provider.cluster(identity.id).await?.unwrap_or(bare)])
}
