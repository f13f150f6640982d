//! The way to a cluster that runs, and to its repository.

use engine::event::Step;
use engine::failure::{Failure, Result};
use kube::Client;

use crate::githost::{self, Entrance, Source};
use crate::kube::{connect, server_url};
use crate::phase;
use crate::plan::{GitopsPlan, Plan};
use crate::spec::Cluster;
use crate::state::State;
use crate::up::Known;

/// A cluster that runs, its repository, and the user's source of it.
pub struct Reached {
    pub plan: Plan,
    pub gitops: GitopsPlan,
    /// Nothing is sent before its first request.
    pub client: Client,
    pub entrance: Entrance,
    pub source: Source,
}

impl Reached {
    /// Finds the way; asks the machine provider, and neither the API nor the Git host yet.
    pub async fn find(cluster: &Cluster, state: &State, step: &Step) -> Result<Self, Vec<Failure>> {
        let one = |failure| vec![failure];
        let Known { identity, plan, .. } = Known::made(cluster, state, step).await?;
        let gitops = plan.gitops.clone().ok_or_else(|| vec![cluster.without_repository()])?;
        let entrance = githost::enter(&plan, &gitops, &identity, state).await.map_err(one)?;
        phase::gitops::register(&entrance, step);
        let source = phase::gitops::open(&gitops.spec.source, state).await.map_err(one)?;
        let server = server_url(plan.kubernetes.address, plan.kubernetes.port);
        let client = connect(&identity, &server).map_err(one)?;
        Ok(Self { plan, gitops, client, entrance, source })
    }
}
