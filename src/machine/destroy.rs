//! Removes everything that is a cluster's, and nothing else.

use engine::event::Step;
use engine::failure::Result;
use libvirt_protocol::{Action, Code, DomainState, Subject};
use uuid::Uuid;

use super::machines::disk_volume;
use super::owner;
use super::provider::Provider;
use super::registry::is_registry;

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub domains: Vec<String>,
    pub volumes: usize,
    pub pool: Option<String>,
    pub network: Option<String>,
    /// The registry's volume, which was left, and its pool with it.
    pub kept: Option<(String, String)>,
}

impl Removed {
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty() && self.volumes == 0 && self.pool.is_none() && self.network.is_none()
    }
}

impl Provider {
    /// Removes the machines, the pool and the network that carry this id. Interrupted, it can be run again:
    /// what tells the id goes last. Of a cluster with a registry, its images may be kept.
    pub async fn destroy(&self, name: &str, id: Uuid, keep_images: bool, step: &Step) -> Result<Removed> {
        let cluster = self.cluster(id).await?;
        let mut removed = Removed::default();
        let nodes = cluster.as_ref().map(|cluster| &cluster.nodes[..]).unwrap_or_default();
        for node in nodes.iter().filter(|node| !matches!(node.state, DomainState::Off | DomainState::Crashed)) {
            let end = Action::Stop { subject: Subject::Domain, name: node.domain.clone() };
            let what = || format!("stopping the machine {}", node.domain);
            self.run_unless(end, &[Code::Missing, Code::Invalid], what).await?;
        }
        self.remove_pool(&owner::pool_name(name, id), id, keep_images, &mut removed).await?;
        for node in nodes {
            self.undefine(Subject::Domain, &node.domain).await?;
            removed.domains.push(node.domain.clone());
        }
        if let Some(network) = cluster.and_then(|cluster| cluster.network) {
            if network.active {
                let end = Action::Stop { subject: Subject::Network, name: network.name.clone() };
                let what = || format!("stopping the network {}", network.name);
                self.run_unless(end, &[Code::Missing, Code::Invalid], what).await?;
            }
            self.undefine(Subject::Network, &network.name).await?;
            removed.network = Some(network.name);
        }
        if !removed.is_empty() {
            step.note(format!("removed {} machines and {} volumes", removed.domains.len(), removed.volumes));
        }
        match &removed.kept {
            Some((pool, volume)) => {
                step.note(format!("kept the registry's images: the volume {volume} in the pool {pool}"));
            }
            None if keep_images => step.warn("there was no registry: no images were kept"),
            None => {}
        }
        Ok(removed)
    }

    /// Whether the removal of a cluster would delete the disk of this machine.
    pub async fn holds_disk(&self, name: &str, id: Uuid, domain: &str) -> Result<bool> {
        let (pool, uuid) = (owner::pool_name(name, id), owner::pool_uuid(id).to_string());
        let pools = self.pools().await?;
        let Some(found) = pools.iter().find(|found| found.name == pool && found.uuid == uuid) else { return Ok(false) };
        // Only an active pool shows its volumes.
        if !found.active {
            return Ok(true);
        }
        let disk = disk_volume(domain);
        Ok(self.volumes(&pool).await?.iter().any(|volume| volume.name == disk))
    }

    async fn undefine(&self, subject: Subject, name: &str) -> Result<()> {
        let undefine = Action::Undefine { subject, name: name.to_owned() };
        self.run_unless(undefine, &[Code::Missing], || format!("removing {name} from libvirt")).await?;
        Ok(())
    }

    /// Removes a cluster's pool with everything in it, but for images that are kept: all of it is the cluster's.
    async fn remove_pool(&self, name: &str, id: Uuid, keep_images: bool, removed: &mut Removed) -> Result<()> {
        let pools = self.pools().await?;
        let uuid = owner::pool_uuid(id).to_string();
        let Some(pool) = pools.iter().find(|pool| pool.name == name && pool.uuid == uuid) else { return Ok(()) };
        let what = || format!("removing the storage pool {name}");
        if !pool.active {
            // Only an active pool shows its volumes; its directory may have been removed by hand.
            self.run(Action::BuildPool { name: name.to_owned() }, what).await?;
            self.run(Action::Start { subject: Subject::Pool, name: name.to_owned() }, what).await?;
        }
        for volume in self.volumes(name).await? {
            if keep_images && is_registry(&volume.name) {
                removed.kept = Some((name.to_owned(), volume.name));
                continue;
            }
            let delete = Action::DeleteVolume { pool: name.to_owned(), volume: volume.name.clone() };
            self.run_unless(delete, &[Code::Missing], || format!("deleting the volume {}", volume.name)).await?;
            removed.volumes += 1;
        }
        if removed.kept.is_some() {
            return Ok(());
        }
        self.run(Action::Stop { subject: Subject::Pool, name: name.to_owned() }, what).await?;
        self.run_unless(Action::DeletePool { name: name.to_owned() }, &[Code::Missing], what).await?;
        self.undefine(Subject::Pool, name).await?;
        removed.pool = Some(name.to_owned());
        Ok(())
    }
}
