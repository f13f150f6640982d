//! What a cluster that is made anew needs, before the one that is there may go.

use engine::event::Step;
use engine::failure::Failure;

use super::provider;
use crate::artifact::{self, Catalog, Store};
use crate::assets::Assets;
use crate::githost;
use crate::identity::Identity;
use crate::phase::gitops::Secrets;
use crate::plan::{self, PublicIdentity, Site};
use crate::spec::Cluster;
use crate::state::State;

/// Plans as the `up` after a `down` would, and fetches what machines are made of. Removes nothing.
///
/// What the cluster has now counts as free: its memory, its network range, its names.
pub async fn preflight(cluster: &Cluster, assets: &Assets, state: &State, step: &Step) -> Result<(), Vec<Failure>> {
    let one = |failure| vec![failure];
    Secrets::read(cluster, step).await?;
    let provider = provider(cluster).await.map_err(one)?;
    let identity = Identity::load(state.directory()).map_err(one)?;
    let mut own = Vec::new();
    let mut site = Site::default();
    if let Some(provider) = &provider {
        own = match identity {
            Some(identity) => vec![identity.id],
            None => provider.find(&cluster.name).await.map_err(one)?.iter().map(|found| found.id).collect(),
        };
        site = provider.site_without(&own).await.map_err(one)?;
    }
    let plan = plan::make(cluster, &site, &PublicIdentity::not_yet())?;
    if let Some(provider) = &provider {
        provider.require_reach(&plan).map_err(one)?;
        provider.require_names(&plan, &own).await.map_err(one)?;
    }
    if let Some(gitops) = &cluster.gitops {
        githost::require_credentials(&gitops.host).map_err(one)?;
    }
    let catalog = Catalog::load_with(assets).map_err(one)?;
    let wanted = artifact::needed(&catalog, cluster).map_err(one)?;
    let fetching = step.child("artifacts");
    let fetched = Store::of_user().map_err(one)?.ensure(&catalog, &wanted, &cluster.artifacts, &fetching).await;
    fetching.conclude_as(fetched, |_| false).map(drop).map_err(one)
}
