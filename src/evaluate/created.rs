//! When each object was made that Flux has applied.

use std::collections::{BTreeMap, BTreeSet};

use engine::failure::Result;
use futures::stream::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DynamicObject, GroupVersionKind, ListParams};
use kube::core::PartialObjectMeta;
use kube::discovery::pinned_kind;

use crate::flux::{Key, Object, inventory_key, read_appliers};
use crate::kube::failed;

/// As many requests at once as an emulated API server answers without falling behind.
const AT_ONCE: usize = 4;

/// Reads it from the objects' metadata, by their names as in `Deployment/apps/sample`.
pub async fn read(client: &Client) -> Result<BTreeMap<String, Timestamp>> {
    let tiers = read_appliers(client).await?;
    let tiers: Vec<&Object> = tiers.flux().collect();
    let wanted: BTreeSet<Key> = tiers.iter().flat_map(|tier| tier.inventory()).collect();
    let kinds: BTreeSet<(String, String, String)> = tiers.iter().flat_map(|tier| kinds(tier)).collect();
    let lists = kinds.into_iter().map(|kind| list(client, kind, &wanted));
    let lists: Vec<Vec<(String, Timestamp)>> =
        futures::stream::iter(lists).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(lists.into_iter().flatten().collect())
}

/// Group, version and kind of what a tier has applied.
fn kinds(tier: &Object) -> Vec<(String, String, String)> {
    let read = |entry: &serde_json::Value| {
        let (id, version) = (entry["id"].as_str()?, entry["v"].as_str()?);
        let kind = inventory_key(id)?.kind;
        let group = id.rsplit('_').nth(1)?;
        Some((group.to_owned(), version.to_owned(), kind))
    };
    tier.list("/status/inventory/entries").iter().filter_map(read).collect()
}

async fn list(
    client: &Client,
    (group, version, kind): (String, String, String),
    wanted: &BTreeSet<Key>,
) -> Result<Vec<(String, Timestamp)>> {
    // A kind that went with its definition has no objects any more.
    let Ok((resource, _)) = pinned_kind(client, &GroupVersionKind::gvk(&group, &version, &kind)).await else {
        return Ok(Vec::new());
    };
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let found = api
        .list_metadata(&ListParams::default())
        .await
        .map_err(|error| failed(format!("the list of {kind} cannot be read"), &error))?;
    let one = |object: PartialObjectMeta<DynamicObject>| {
        let metadata = object.metadata;
        let key = Key::new(kind.as_str(), metadata.namespace.unwrap_or_default(), metadata.name.unwrap_or_default());
        let made = metadata.creation_timestamp?.0;
        wanted.contains(&key).then(|| (key.to_string(), made))
    };
    Ok(found.items.into_iter().filter_map(one).collect())
}
