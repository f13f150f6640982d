//! Judges a Kustomization.

use super::{Judged, Relations, State, by_condition};
use crate::flux::{Key, Object};

pub(super) fn judge(object: &Object, relations: &Relations) -> Judged {
    if let Some(cycle) = cycle(object, relations) {
        return Judged::permanent(format!("its dependsOn comes back to itself: {cycle}"));
    }
    let Some(source) = relations.source(object) else {
        return Judged::suspected(format!(
            "its source {} {} does not exist",
            object.text("/spec/sourceRef/kind"),
            object.text("/spec/sourceRef/name")
        ));
    };
    let (newest, attempted) = (source.artifact_revision(), object.text("/status/lastAttemptedRevision"));
    let Some(ready) = object.current_condition("Ready") else { return by_condition(object) };
    if ready.status == "True" {
        return match object.text("/status/lastAppliedRevision") {
            applied if !newest.is_empty() && applied == newest => Judged::ready(),
            applied => Judged::progressing(format!("is at {applied}, its source at {newest}")),
        };
    }
    if ready.status != "False" {
        let reconciling = object.condition("Reconciling").map_or(ready.message, |reconciling| reconciling.message);
        return Judged::progressing(reconciling);
    }
    let told = format!("{}: {}", ready.reason, ready.message);
    match ready.reason {
        "DependencyNotReady" => depends(object, relations, ready.message),
        "ArtifactFailed" if !ready.message.contains("path not found") => Judged::new(State::Waiting, told),
        "HealthCheckCanceled" => Judged::progressing(told),
        // The path is looked for before the attempt is recorded.
        "ArtifactFailed" => Judged::suspected(told),
        _ if attempted != newest => Judged::progressing(format!("failed at {attempted}, its source is at {newest}")),
        "BuildFailed" => Judged::permanent(told),
        _ => Judged::suspected(told),
    }
}

/// Waits for its dependencies; one that is nowhere may still be applied, but not for ever.
fn depends(object: &Object, relations: &Relations, message: &str) -> Judged {
    match dependencies(object).find(|dependency| relations.get(dependency).is_none()) {
        Some(dependency) => Judged::suspected(format!("depends on {dependency}, which does not exist")),
        None => Judged::new(State::Waiting, message),
    }
}

/// What an object's dependsOn names.
pub(super) fn dependencies(object: &Object) -> impl Iterator<Item = Key> {
    object.list("/spec/dependsOn").iter().map(|dependency| {
        let namespace = dependency["namespace"].as_str().unwrap_or(object.namespace());
        Key::new(object.kind(), namespace, dependency["name"].as_str().unwrap_or_default())
    })
}

/// The names of a dependsOn cycle that an object is in.
pub(super) fn cycle(object: &Object, relations: &Relations) -> Option<String> {
    let start = object.key();
    let mut seen = vec![start.clone()];
    let mut paths: Vec<Vec<Key>> = dependencies(object).map(|dependency| vec![dependency]).collect();
    while let Some(mut path) = paths.pop() {
        let last = &path[path.len() - 1];
        if *last == start {
            // The same words whichever of them is asked.
            let first = (0..path.len()).min_by_key(|index| &path[*index]).unwrap_or_default();
            path.rotate_left(first);
            let names: Vec<&str> = path.iter().chain(path.first()).map(|key| key.name.as_str()).collect();
            return Some(names.join(" -> "));
        }
        if seen.contains(last) {
            continue;
        }
        seen.push(last.clone());
        let Some(next) = relations.get(last) else { continue };
        for dependency in dependencies(next) {
            paths.push(path.iter().cloned().chain([dependency]).collect());
        }
    }
    None
}
