//! Installs Flux and points it at the repository, by server-side apply.

use engine::event::Step;
use engine::failure::Result;
use engine::wait::Patience;
use kube::Client;

use super::{Manifests, Sync, secrets, sync_objects};
use crate::kube::{Applier, Identified};

/// Applies Flux and the first objects; answers what changed.
pub async fn install(
    client: &Client,
    manifests: &Manifests,
    sync: &Sync,
    patience: Patience,
    step: &Step,
) -> Result<Vec<Identified>> {
    let objects = manifests.objects(sync)?;
    let mut applier = Applier::new(client.clone(), step, patience);
    // The first objects go before the controllers, which then find their work when they start.
    let mut changed = applier.apply(&objects.ground).await?;
    changed.extend(secrets::apply(client, &mut applier, &sync.secrets).await?);
    changed.extend(applier.apply(&sync_objects(sync)?).await?);
    changed.extend(applier.apply(&objects.controllers).await?);
    Ok(changed)
}
