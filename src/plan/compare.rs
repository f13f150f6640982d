//! What was edited between two runs, and what of it needs a rebuild.

use std::collections::BTreeSet;

use engine::failure::Failure;
use serde::Serialize;
use serde_json::Value;

use super::{Inputs, Plan, Record};

/// One difference between the plan applied last and the new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What it is of, as `nodes.worker-1.memory`.
    pub what: String,
    /// None: it was not there.
    pub from: Option<String>,
    /// None: it is gone.
    pub to: Option<String>,
    /// Whether what exists cannot be altered into it.
    pub needs_rebuild: bool,
}

/// What `up` can alter in a cluster that exists; everything else needs a rebuild.
const ALTERABLE: [&str; 3] = ["gitops", "authorized_keys", "pace"];

/// Compares a recorded plan (its JSON) with a new one. A new worker is no rebuild, and an identity's making no change.
pub fn compare(old: &Value, new: &Plan) -> Vec<Change> {
    let new = serde_json::to_value(new).unwrap_or_default();
    let mut changes = Vec::new();
    walk("", old, &new, &mut changes);
    changes
}

/// Compares the inputs of a record with those of now. A record of an earlier version has none, and tells nothing.
pub fn compare_inputs(old: &Value, new: &Inputs) -> Vec<Change> {
    let Some(old) = Record::inputs(old) else { return Vec::new() };
    let names: BTreeSet<&String> = old.keys().chain(new.digests.keys()).collect();
    let changes = names.into_iter().filter(|name| old.get(*name) != new.digests.get(*name)).map(|name| Change {
        what: name.clone(),
        from: old.get(name).cloned(),
        to: new.digests.get(name).cloned(),
        needs_rebuild: new.is_lasting(name),
    });
    changes.collect()
}

/// Refuses changes that need a rebuild, all in one failure.
pub fn refuse_rebuild(changes: &[Change]) -> Option<Failure> {
    let wrong: Vec<String> = changes.iter().filter(|change| change.needs_rebuild).map(ToString::to_string).collect();
    if wrong.is_empty() {
        return None;
    }
    let failure =
        Failure::refused("what the cluster was made from was edited, and what exists cannot be altered into it")
            .evidence(wrong.join("\n"))
            .hint("Take the edit back, or make the cluster anew: `seedbed rebuild`.");
    Some(failure)
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "{}: {from} -> {to}", self.what),
            (None, Some(to)) => write!(f, "{}: new, {to}", self.what),
            (Some(from), None) => write!(f, "{}: gone, was {from}", self.what),
            (None, None) => write!(f, "{}", self.what),
        }
    }
}

fn walk(path: &str, old: &Value, new: &Value, changes: &mut Vec<Change>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (old, new) {
        _ if old == new || path == "spec_hash" || path == "inputs" => {}
        (Value::Object(before), Value::Object(after)) => {
            let added = after.keys().filter(|key| !before.contains_key(*key));
            for key in before.keys().chain(added) {
                let (before, after) = (before.get(key), after.get(key));
                walk(&below(key), before.unwrap_or(&Value::Null), after.unwrap_or(&Value::Null), changes);
            }
        }
        // Nodes have names; their order says nothing.
        (Value::Array(before), Value::Array(after)) if path == "nodes" => nodes(before, after, changes),
        _ => changes.push(Change {
            what: path.to_owned(),
            from: shown(old),
            to: shown(new),
            needs_rebuild: !ALTERABLE.iter().any(|part| path == *part || path.starts_with(&format!("{part}."))),
        }),
    }
}

fn nodes(before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let find = |list: &[Value], name: &Value| list.iter().find(|node| node["name"] == *name).cloned();
    for old in before {
        let path = format!("nodes.{}", old["name"].as_str().unwrap_or_default());
        match find(after, &old["name"]) {
            Some(new) => walk(&path, old, &new, changes),
            None => changes.push(Change { what: path, from: shown(&old["role"]), to: None, needs_rebuild: true }),
        }
    }
    for new in after.iter().filter(|new| find(before, &new["name"]).is_none()) {
        let path = format!("nodes.{}", new["name"].as_str().unwrap_or_default());
        let needs_rebuild = new["role"] != "worker";
        changes.push(Change { what: path, from: None, to: shown(&new["role"]), needs_rebuild });
    }
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
