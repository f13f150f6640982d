//! Asks Flux to look now rather than at its next interval.

use engine::failure::Result;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::json;

use super::Object;
use super::snapshot::read_tiers;
use crate::kube::failed;

/// The annotation whose change makes a Flux controller reconcile.
const REQUESTED: &str = "reconcile.fluxcd.io/requestedAt";

/// Requests a reconciliation of an object; one that is gone is left alone.
pub async fn nudge(client: &Client, object: &Object) -> Result<()> {
    let key = object.key();
    let kind = GroupVersionKind::gvk(object.group(), object.version(), &key.kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, &plural(&key.kind));
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &key.namespace, &resource);
    let now = jiff::Timestamp::now().to_string();
    let patch = Patch::Merge(json!({"metadata": {"annotations": {REQUESTED: now}}}));
    match api.patch_metadata(&key.name, &PatchParams::default(), &patch).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(failed(format!("{key} cannot be annotated"), &error)),
    }
}

/// Requests a look at a repository from every source that reads it; answers how many there are.
///
/// What applies a source's artifact is told by Flux itself.
pub async fn nudge_sources(client: &Client, url: &str) -> Result<usize> {
    let snapshot = read_tiers(client).await?;
    let sources: Vec<&Object> =
        snapshot.of_kind("GitRepository").filter(|source| source.text("/spec/url") == url).collect();
    for source in &sources {
        nudge(client, source).await?;
    }
    Ok(sources.len())
}

/// The plural of a Flux kind.
fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{lower}s"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn plurals_of_flux_kinds() {
        let kinds = ["GitRepository", "Kustomization", "HelmRelease", "ImagePolicy", "Bucket"].map(super::plural);
        assert_eq!(kinds, ["gitrepositories", "kustomizations", "helmreleases", "imagepolicies", "buckets"]);
    }
}
