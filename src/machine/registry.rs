//! The volume of the embedded registry: the only one that may outlive its cluster.
//!
//! Volumes carry no metadata, so its name says whose it is: `registry.<cluster id>.<spec's directory, hashed>.raw`. With
//! the id, the next cluster of the spec has the same pool, and finds its images there.

use std::path::Path;

use engine::failure::Result;
use libvirt_protocol::{Action, Subject};
use uuid::Uuid;

use super::definition;
use super::owner;
use super::provider::Provider;
use crate::plan::Plan;
use engine::digest;

/// Images that a `down` has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The id of the cluster that they were of.
    pub id: Uuid,
    pub pool: String,
    pub volume: String,
    /// Bytes that they take.
    pub allocation: u64,
    /// Whether that cluster was made from the specs of the directory that was asked for.
    pub here: bool,
}

/// What a volume's name says.
struct Named<'a> {
    id: Uuid,
    place: &'a str,
}

impl Provider {
    /// Makes the registry's volume unless it is there; answers where the hypervisor finds it.
    pub(super) async fn ensure_registry(&self, plan: &Plan, pool: &str, bytes: u64) -> Result<String> {
        if let Some(found) = self.volumes(pool).await?.into_iter().find(|volume| is_registry(&volume.name)) {
            return Ok(found.path);
        }
        let name = name(plan.id, plan.spec_file.parent().unwrap_or(Path::new(".")));
        let xml = definition::plain_volume(&name, bytes).to_string();
        let volume = self.create_volume(pool, xml).await;
        volume.map(|volume| volume.path).map_err(|trouble| trouble.failure("making the volume of the registry"))
    }

    /// Finds the images that were left of clusters of this name.
    ///
    /// A pool is believed only where its name and its UUID are those that the id gives.
    pub async fn kept(&self, cluster: &str, directory: &Path) -> Result<Vec<Kept>> {
        let here = place(directory);
        let mut kept = Vec::new();
        for pool in self.pools().await? {
            if !may_be_of(&pool.name, cluster) {
                continue;
            }
            if !pool.active {
                // Only an active pool shows its volumes; a workstation that was restarted has none that is.
                let start = Action::Start { subject: Subject::Pool, name: pool.name.clone() };
                if self.client.ask(start).await.is_err() {
                    continue;
                }
            }
            for volume in self.volumes(&pool.name).await? {
                let Some(Named { id, place }) = read(&volume.name) else { continue };
                if owner::pool_name(cluster, id) == pool.name && owner::pool_uuid(id).to_string() == pool.uuid {
                    let (pool, here) = (pool.name.clone(), place == here);
                    kept.push(Kept { id, pool, volume: volume.name.clone(), allocation: volume.allocation, here });
                }
            }
        }
        Ok(kept)
    }
}

/// Whether a pool has a name like those of a cluster's pools.
fn may_be_of(pool: &str, cluster: &str) -> bool {
    let id = pool.strip_prefix(&format!("seedbed-{cluster}-"));
    id.is_some_and(|id| id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a volume of a cluster's pool is the registry's.
pub fn is_registry(volume: &str) -> bool {
    read(volume).is_some()
}

fn name(id: Uuid, directory: &Path) -> String {
    format!("registry.{id}.{}.raw", place(directory))
}

fn read(name: &str) -> Option<Named<'_>> {
    let (id, place) = name.strip_prefix("registry.")?.strip_suffix(".raw")?.split_once('.')?;
    Some(Named { id: id.parse().ok()?, place })
}

/// A directory, hashed: a path may be longer than a file's name.
fn place(directory: &Path) -> String {
    digest::of_bytes(owner::real(directory).as_os_str().as_encoded_bytes())[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_says_whose_it_is() {
        let id = Uuid::from_u128(7);
        let name = name(id, Path::new("/home/me/demo"));
        let found = read(&name).unwrap();
        assert_eq!((found.id, found.place), (id, place(Path::new("/home/me/demo")).as_str()));
        assert_ne!(found.place, place(Path::new("/home/me/other")));
        for other in ["demo-cp.qcow2", "registry.raw", "registry.x.y.raw", "demo-cp.console.log"] {
            assert!(!is_registry(other), "{other}");
        }
    }

    #[test]
    fn a_longer_name_is_another_clusters() {
        assert!(may_be_of("seedbed-demo-0b2e1a52", "demo"));
        assert!(!may_be_of("seedbed-demo-two-0b2e1a52", "demo"));
        assert!(!may_be_of("seedbed-demo-0b2e1a5", "demo"));
    }
}
