//! Directory pools: the shared one for images, and one for each cluster.

use engine::failure::{Failure, Result};
use libvirt_protocol::{Action, Code, Subject};
use uuid::Uuid;

use super::definition;
use super::provider::Provider;

/// The pool of base images and other files that clusters share; `down` never deletes from it.
pub const SHARED: &str = "seedbed-images";

/// Under this, where qemu may read, lie all pools of seedbed.
const BASE: &str = "/var/lib/libvirt/images/seedbed";

/// The UUID of the shared pool: fixed, so that a pool which only has its name is told from it.
fn shared_uuid() -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, super::owner::NAMESPACE.as_bytes())
}

/// Where a pool of seedbed lies.
pub fn path(name: &str) -> String {
    format!("{BASE}/{name}")
}

impl Provider {
    /// Makes the shared pool unless it is there.
    pub(super) async fn ensure_shared_pool(&self) -> Result<bool> {
        self.ensure_pool(SHARED, shared_uuid()).await
    }

    /// Makes a pool unless it is there, and starts it. Answers whether anything was altered.
    pub(super) async fn ensure_pool(&self, name: &str, uuid: Uuid) -> Result<bool> {
        let pools = self.pools().await?;
        let found = pools.iter().find(|pool| pool.name == name);
        let what = || format!("making the storage pool {name}");
        if let Some(pool) = found {
            if pool.uuid != uuid.to_string() {
                return Err(foreign(name));
            }
            if pool.active {
                return Ok(false);
            }
        } else {
            let xml = definition::pool(name, uuid, &path(name)).to_string();
            let define = Action::Define { subject: Subject::Pool, xml };
            match self.client.ask(define).await {
                Ok(_) => {}
                // Another seedbed may have made the shared pool in the meantime.
                Err(trouble) if trouble.code() == Some(Code::Exists) && name == SHARED => {}
                Err(trouble) => return Err(trouble.failure(what())),
            }
        }
        // Its directory may have been removed by hand; building one that is there does nothing.
        self.run(Action::BuildPool { name: name.into() }, what).await?;
        let start = Action::Start { subject: Subject::Pool, name: name.into() };
        self.run_unless(start, &[Code::Invalid], what).await?;
        Ok(true)
    }
}

fn foreign(name: &str) -> Failure {
    Failure::refused(format!("the storage pool {name} is not this cluster's"))
        .cause("it has the name that this cluster's pool would have, and another UUID")
        .hint(format!("Look at it: `virsh pool-dumpxml {name}`. seedbed never alters what it did not make."))
}
