//! An object as the API answered it, and the questions that Ready asks of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names an object: `HelmRelease/apps/web`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Key {
    pub kind: String,
    /// Empty for what lies in none.
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(kind: impl Into<String>, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{}/{}", self.kind, self.name),
            namespace => write!(f, "{}/{namespace}/{}", self.kind, self.name),
        }
    }
}

/// One condition of an object's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition<'a> {
    pub status: &'a str,
    pub reason: &'a str,
    pub message: &'a str,
    observed: Option<i64>,
}

/// An object as JSON, with apiVersion and kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(pub Value);

impl Object {
    /// A text at a JSON pointer; empty where there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number at a JSON pointer; zero where there is none.
    pub fn number(&self, pointer: &str) -> i64 {
        self.0.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
    }

    pub fn flag(&self, pointer: &str) -> bool {
        self.0.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
    }

    pub fn list(&self, pointer: &str) -> &[Value] {
        self.0.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn key(&self) -> Key {
        Key::new(self.kind(), self.namespace(), self.name())
    }

    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    pub fn group(&self) -> &str {
        self.text("/apiVersion").split_once('/').map_or("", |(group, _)| group)
    }

    pub fn version(&self) -> &str {
        let version = self.text("/apiVersion");
        version.split_once('/').map_or(version, |(_, version)| version)
    }

    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    pub fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    pub fn generation(&self) -> i64 {
        self.number("/metadata/generation")
    }

    /// Whether its controller has seen its newest generation.
    pub fn observed(&self) -> bool {
        self.number("/status/observedGeneration") == self.generation()
    }

    pub fn deleting(&self) -> bool {
        !self.text("/metadata/deletionTimestamp").is_empty()
    }

    pub fn suspended(&self) -> bool {
        self.flag("/spec/suspend")
    }

    /// Whether Flux reconciles it.
    pub fn is_flux(&self) -> bool {
        is_flux_group(self.group())
    }

    pub fn condition(&self, kind: &str) -> Option<Condition<'_>> {
        let found = self.list("/status/conditions").iter().find(|condition| condition["type"] == kind)?;
        let text = |name: &str| found[name].as_str().unwrap_or_default();
        Some(Condition {
            status: text("status"),
            reason: text("reason"),
            message: text("message"),
            observed: found["observedGeneration"].as_i64(),
        })
    }

    /// A condition that speaks of the newest generation.
    pub fn current_condition(&self, kind: &str) -> Option<Condition<'_>> {
        self.condition(kind).filter(|condition| condition.observed.is_none_or(|seen| seen == self.generation()))
    }

    /// The revision of the artifact that a source offers.
    pub fn artifact_revision(&self) -> &str {
        self.text("/status/artifact/revision")
    }

    /// The owner that controls it: its kind and uid.
    pub fn controller(&self) -> Option<(&str, &str)> {
        let owner = self.list("/metadata/ownerReferences").iter().find(|owner| owner["controller"] == true)?;
        Some((owner["kind"].as_str()?, owner["uid"].as_str()?))
    }

    /// What Flux applied for it: its inventory, without groups.
    pub fn inventory(&self) -> impl Iterator<Item = Key> {
        self.list("/status/inventory/entries").iter().filter_map(|entry| inventory_key(entry["id"].as_str()?))
    }
}

/// Whether an API group is one of Flux.
pub fn is_flux_group(group: &str) -> bool {
    group.ends_with(".toolkit.fluxcd.io") || group == "source.extensions.fluxcd.io"
}

/// Reads `namespace_name_group_Kind`. A name holds underscores only where it held colons.
pub fn inventory_key(id: &str) -> Option<Key> {
    let (rest, kind) = id.rsplit_once('_')?;
    let (rest, _group) = rest.rsplit_once('_')?;
    let (namespace, name) = rest.split_once('_')?;
    Some(Key::new(kind, namespace, name.replace("__", ":")))
}

/// The commit in a revision such as `main@sha1:0123`.
pub fn commit_of(revision: &str) -> &str {
    revision.rsplit_once(':').map_or(revision, |(_, commit)| commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inventory_entries_are_read() {
        assert_eq!(inventory_key("apps_web_apps_Deployment"), Some(Key::new("Deployment", "apps", "web")));
        assert_eq!(inventory_key("_apps__Namespace"), Some(Key::new("Namespace", "", "apps")));
        let role = inventory_key("_system__view_rbac.authorization.k8s.io_ClusterRole");
        assert_eq!(role, Some(Key::new("ClusterRole", "", "system:view")));
    }
}
