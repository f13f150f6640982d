//! Asks Flux to look now rather than at its next interval.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::failure::Result;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::json;
use tokio::time::Instant;

use super::snapshot::read_tiers;
use super::{Key, Object};
use crate::kube::failed;

/// The annotation whose change makes a Flux controller reconcile.
const REQUESTED: &str = "reconcile.fluxcd.io/requestedAt";

/// The pause between two nudges of one object.
const AGAIN: Duration = Duration::from_secs(15);

/// Nudges objects again and again, each not too often.
#[derive(Clone, Debug, Default)]
pub struct Nudges {
    last: BTreeMap<Key, Instant>,
}

impl Nudges {
    /// Requests a reconciliation, unless that was done a moment ago.
    pub async fn nudge(&mut self, client: &Client, object: &Object) -> Result<()> {
        let key = object.key();
        if self.last.get(&key).is_some_and(|last| last.elapsed() < AGAIN) {
            return Ok(());
        }
        nudge(client, object).await?;
        self.last.insert(key, Instant::now());
        Ok(())
    }

    /// Leaves an object that was never nudged to Flux for a while.
    pub fn hold(&mut self, key: Key) {
        self.last.entry(key).or_insert_with(Instant::now);
    }
}

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
