//! One object: as it is, and as a dry run of Flux's apply would leave it.

use std::collections::BTreeSet;

use engine::failure::Result;
use kube::ResourceExt as _;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::Value;

use super::build::told;
use super::served::Served;
use super::show::unified;
use super::{Action, Difference};
use crate::flux::{Key, Object};
use crate::kube::failed;

/// The manager under which Flux owns fields.
const MANAGER: &str = "kustomize-controller";

/// What comes with the change itself, so that the API cannot look at what needs it.
pub struct New {
    namespaces: BTreeSet<String>,
    /// The kinds of definitions.
    kinds: BTreeSet<String>,
}

impl New {
    pub fn of<'a>(objects: impl Iterator<Item = &'a DynamicObject>) -> Self {
        let mut new = Self { namespaces: BTreeSet::new(), kinds: BTreeSet::new() };
        for object in objects {
            match object.types.as_ref().map(|types| types.kind.as_str()) {
                Some("Namespace") => drop(new.namespaces.insert(object.name_any())),
                Some("CustomResourceDefinition") => {
                    let kind = object.data["spec"]["names"]["kind"].as_str().unwrap_or_default();
                    new.kinds.insert(kind.to_owned());
                }
                _ => {}
            }
        }
        new
    }
}

/// Compares one object; nothing where it would stay as it is.
pub async fn compare(served: &Served, new: &New, tier: &Key, object: &DynamicObject) -> Result<Option<Difference>> {
    let wanted = Object(serde_json::to_value(object).unwrap_or_default());
    let key = wanted.key();
    let difference =
        |action, diff, why| Some(Difference { kustomization: tier.clone(), object: key.clone(), action, diff, why });
    let unseen = |why: &str| {
        difference(Action::Created, unified(&key, None, Some(&clean(wanted.0.clone()))), Some(why.to_owned()))
    };
    let Some(api) = served.api(object) else {
        return Ok(if new.kinds.contains(&key.kind) {
            unseen("its kind comes with this change, so the API could not look at it")
        } else {
            difference(Action::Refused, String::new(), Some("the API does not serve its kind".into()))
        });
    };
    let live = api.get_opt(&key.name).await.map_err(|error| failed(format!("{key} cannot be read"), &error))?;
    if live.is_some() && told(&wanted, "ssa") == "IfNotPresent" {
        return Ok(None);
    }
    let parameters = PatchParams::apply(MANAGER).force().dry_run();
    let after = match api.patch(&key.name, &parameters, &Patch::Apply(object)).await {
        Ok(after) => after,
        Err(kube::Error::Api(status)) => {
            let missing = status.code == 404 && object.namespace().is_some_and(|name| new.namespaces.contains(&name));
            return Ok(if missing {
                unseen("its namespace comes with this change, so the API could not look at it")
            } else {
                difference(Action::Refused, String::new(), Some(status.message.clone()))
            });
        }
        Err(error) => return Err(failed(format!("a dry run of {key} got no answer"), &error)),
    };
    let value = |object: DynamicObject| clean(serde_json::to_value(object).unwrap_or_default());
    let (live, after) = (live.map(value), value(after));
    if live.as_ref() == Some(&after) {
        return Ok(None);
    }
    let action = if live.is_some() { Action::Changed } else { Action::Created };
    Ok(difference(action, unified(&key, live.as_ref(), Some(&after)), None))
}

/// An object without what the API server and controllers write of their own.
fn clean(mut object: Value) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"] {
            metadata.remove(field);
        }
    }
    object
}
