//! What Flux would remove: applied once, and no longer in the repository.

use std::collections::BTreeSet;

use engine::failure::Result;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt as _;
use kube::api::{DynamicObject, TypeMeta};
use serde_json::Value;

use super::build::{Built, told};
use super::served::Served;
use super::{Action, Difference};
use crate::flux::{Key, Object, Snapshot};
use crate::kube::failed;

/// Finds what each tier that is pruned has in its inventory and would no longer apply.
///
/// A tier that goes takes all of its own along. One that could not be built is left out.
pub async fn prune(served: &mut Served, tiers: &[Built], live: &Snapshot) -> Result<Vec<Difference>> {
    let wanted: BTreeSet<Key> = tiers.iter().flat_map(|tier| &tier.objects).map(key_of).collect();
    let mut open: Vec<Object> = Vec::new();
    for tier in tiers.iter().filter(|tier| tier.tier.flag("/spec/prune")) {
        open.extend(live.flux().find(|object| object.key() == tier.key).cloned());
    }
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    while let Some(tier) = open.pop() {
        for (key, types) in inventory(&tier) {
            if wanted.contains(&key) || !seen.insert(key.clone()) {
                continue;
            }
            let Some(object) = look(served, &key, types).await? else { continue };
            if told(&object, "prune") == "disabled" {
                continue;
            }
            let goes_with_all = object.flag("/spec/prune") && object.text("/spec/deletionPolicy") != "Orphan";
            if object.is_flux() && key.kind == "Kustomization" && goes_with_all {
                open.push(object);
            }
            let kustomization = tier.key();
            found.push(Difference {
                kustomization,
                object: key,
                action: Action::Pruned,
                diff: String::new(),
                why: None,
            });
        }
    }
    Ok(found)
}

/// The entries of an inventory, each with the group and version that it is asked for by.
fn inventory(tier: &Object) -> impl Iterator<Item = (Key, TypeMeta)> {
    tier.list("/status/inventory/entries").iter().filter_map(|entry| {
        let (id, version) = (entry["id"].as_str()?, entry["v"].as_str()?);
        let key = crate::flux::inventory_key(id)?;
        let group = id.rsplit('_').nth(1).unwrap_or_default();
        let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        let types = TypeMeta { api_version, kind: key.kind.clone() };
        Some((key, types))
    })
}

/// Reads an object of an inventory; nothing where it or its kind is gone.
async fn look(served: &mut Served, key: &Key, types: TypeMeta) -> Result<Option<Object>> {
    let mut object = DynamicObject { types: Some(types), metadata: ObjectMeta::default(), data: Value::Null };
    object.metadata.name = Some(key.name.clone());
    object.metadata.namespace = Some(key.namespace.clone()).filter(|namespace| !namespace.is_empty());
    served.look(&object).await?;
    let Some(api) = served.api(&object) else { return Ok(None) };
    let found = api.get_opt(&key.name).await.map_err(|error| failed(format!("{key} cannot be read"), &error))?;
    Ok(found.and_then(|found| serde_json::to_value(found).ok()).map(Object))
}

fn key_of(object: &DynamicObject) -> Key {
    let kind = object.types.as_ref().map(|types| types.kind.clone()).unwrap_or_default();
    Key::new(kind, object.namespace().unwrap_or_default(), object.name_any())
}
