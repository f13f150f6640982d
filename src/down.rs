//! `seedbed down`: everything that is the cluster's goes, and nothing else; no commit is lost.
//!
//! Works from the objects' own metadata, so also without the state directory.

mod commits;
mod existing;

use engine::event::Step;
use engine::failure::{Failure, Kind, Result};
use libvirt_protocol::DomainState;
use tokio_util::sync::CancellationToken;

use crate::githost::FetchedBack;
use crate::identity::Identity;
use crate::machine::{ClusterFound, Provider};
use crate::spec::{self, Cluster, Role};
use crate::state::State;
use crate::up;

/// What the user allows.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Terms {
    /// The repository in the cluster goes without a look at it.
    pub discard_commits: bool,
    /// A cluster of the name goes, too, that was made from a spec elsewhere.
    pub by_name: bool,
    /// Machines that exist and are gone for good, by node.
    pub forget: Vec<String>,
    /// The cluster is made anew: commits that its source lacks stop it before anything goes.
    pub anew: bool,
    /// The embedded registry's images stay, for the next cluster of the spec.
    pub keep_images: bool,
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
    require_same_provider(cluster, state)?;
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
    /// Does what alters nothing in the cluster: an interruption ends it at once.
    async fn looking<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            ended = work => ended,
            () = self.token.cancelled() => Err(Failure::interrupted()),
        }
    }

    /// Removes what libvirt has of the cluster. All commits are fetched before the first machine goes.
    async fn machines(&self, provider: &Provider) -> Result<()> {
        if let Some(node) = self.terms.forget.first() {
            return Err(Failure::new(Kind::Usage, format!("--forget {node} is for machines that exist"))
                .hint("libvirt removes a machine whether it answers or not."));
        }
        let found = self.find(provider).await?;
        if self.may_hold_commits() {
            for found in &found {
                if self.may_be_in(provider, found).await? {
                    self.commits(async |step| commits::fetch(self, found, step).await).await?;
                }
            }
        }
        for found in &found {
            if self.token.is_cancelled() {
                return Err(Failure::interrupted());
            }
            let removing = self.step.child("remove machines");
            let removed = provider.destroy(&found.name, found.id, self.terms.keep_images, &removing).await;
            removing.conclude_as(removed, |removed| !removed.is_empty())?;
        }
        Ok(())
    }

    /// The cluster's id, if it is what tells the cluster's machines.
    fn id(&self) -> Option<String> {
        self.identity.filter(|_| !self.terms.by_name).map(|identity| identity.id.to_string())
    }

    /// The cluster of the identity, or without one the clusters of the spec's name that were made from it.
    async fn find(&self, provider: &Provider) -> Result<Vec<ClusterFound>> {
        let mut found = self.made(provider).await?;
        // What an earlier `--keep-images` left is the cluster's, too.
        for kept in provider.kept(&self.cluster.name, &self.cluster.directory).await? {
            if found.iter().all(|found| found.id != kept.id) && (kept.here || self.terms.by_name) {
                found.push(bare(&self.cluster.name, kept.id));
            }
        }
        Ok(found)
    }

    /// Those whose machines and networks may be there.
    async fn made(&self, provider: &Provider) -> Result<Vec<ClusterFound>> {
        let name = &self.cluster.name;
        if let Some(Identity { id, .. }) = self.identity {
            // A pool may be all that is left; it is found by the id alone.
            return Ok(vec![provider.cluster(*id).await?.unwrap_or_else(|| bare(name, *id))]);
        }
        let found = provider.find(name).await?;
        if self.terms.by_name {
            return Ok(found);
        }
        let (own, others): (Vec<_>, _) = found.into_iter().partition(|found| found.is_of(&self.cluster.directory));
        if let Some(other) = others.first() {
            let failure = other
                .elsewhere()
                .hint("If it is this one and its directory was moved, or if it may go all the same: `--by-name`.");
            if own.is_empty() || self.terms.anew {
                return Err(failure);
            }
            self.step.warn(format!("left: {failure}"));
        }
        Ok(own)
    }

    /// With the identity at hand, it is known whether a repository was ever seeded.
    fn may_hold_commits(&self) -> bool {
        !self.terms.discard_commits && (self.identity.is_none() || self.state.seeded())
    }

    /// Whether what is removed may hold commits: not where an earlier run deleted the control plane's disk already.
    async fn may_be_in(&self, provider: &Provider, found: &ClusterFound) -> Result<bool> {
        if let Some(node) = found.nodes.iter().find(|node| node.role == Role::ControlPlane) {
            let off = matches!(node.state, DomainState::Off | DomainState::Crashed);
            return Ok(!off || provider.holds_disk(&found.name, found.id, &node.domain).await?);
        }
        for node in self.cluster.control_planes() {
            let domain = format!("{}-{}", found.name, node.name);
            if provider.holds_disk(&found.name, found.id, &domain).await? {
                return Err(Failure::refused(format!("the machine {domain} is not there, and its disk is"))
                    .cause("commits that were made in the cluster may lie on it")
                    .hint("Define the machine again and start it, or give its commits up: `--discard-commits`."));
            }
        }
        Ok(false)
    }

    /// Fetches commits as a step; stops a cluster that is made anew where its source lacks some of them.
    async fn commits(&self, fetch: impl AsyncFnOnce(&Step) -> Result<Vec<FetchedBack>>) -> Result<()> {
        let fetching = self.step.child("fetch commits");
        let fetched = fetch(&fetching).await.and_then(|fetched| {
            let stop = self.terms.anew.then(|| commits::refuse_aside(&fetched)).flatten();
            stop.map_or(Ok(fetched), Err)
        });
        fetching.conclude_as(fetched, |fetched| !fetched.is_empty()).map(drop)
    }
}

/// A cluster of which only its id is known.
fn bare(name: &str, id: uuid::Uuid) -> ClusterFound {
    ClusterFound { id, name: name.to_owned(), file: None, network: None, nodes: Vec::new() }
}

/// Refuses to look for the cluster where it was not made.
fn require_same_provider(cluster: &Cluster, state: &State) -> Result<()> {
    let Some(applied) = state.applied()? else { return Ok(()) };
    let now = match &cluster.machines.provider {
        spec::Provider::Libvirt { uri } => uri.as_str(),
        spec::Provider::Existing => "machines that exist",
    };
    let made = applied["uri"].as_str().unwrap_or("machines that exist");
    if made == now || applied.get("uri").is_none() {
        return Ok(());
    }
    Err(Failure::refused(format!("the cluster {} was made at {made}, and the spec says {now}", cluster.name))
        .hint(format!("Put {made} back into the spec, run `seedbed down`, and edit it then.")))
}

#[cfg(test)]
mod tests;
