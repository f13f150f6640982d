//! The pod network: flannel, or the user's own manifests.

use engine::event::Step;
use engine::failure::{Failure, Result};
use kube::Client;
use kube::api::DynamicObject;

use crate::kube::{Applier, parse_documents};
use crate::phase::ground::Ground;
use crate::spec::Cni;

/// Applies it through the API.
pub async fn apply(ground: &Ground<'_>, client: &Client, step: &Step) -> Result<()> {
    let step = step.child("apply the CNI");
    let result = apply_objects(ground, client, &step).await;
    step.conclude_as(result, |changed| *changed).map(drop)
}

async fn apply_objects(ground: &Ground<'_>, client: &Client, step: &Step) -> Result<bool> {
    let objects = objects(ground)?;
    let mut applier = Applier::new(client.clone(), step, ground.patience(300));
    Ok(!applier.apply(&objects).await?.is_empty())
}

/// What it consists of.
pub fn objects(ground: &Ground<'_>) -> Result<Vec<DynamicObject>> {
    match &ground.plan.kubernetes.cni {
        Cni::Flannel => {
            let variables = ground.variables(ground.plan.first_control_plane());
            parse_documents("templates/flannel.yaml", &ground.render("flannel.yaml", variables)?)
        }
        Cni::None { manifests } => {
            let mut objects = Vec::new();
            for path in manifests {
                let origin = path.display().to_string();
                let text = std::fs::read_to_string(path)
                    .map_err(|error| Failure::invalid(format!("{origin} cannot be read")).because(&error))?;
                objects.extend(parse_documents(&origin, &text)?);
            }
            Ok(objects)
        }
    }
}
