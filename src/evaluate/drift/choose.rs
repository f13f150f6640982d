//! Which objects are altered: from what Flux's inventories list, those that nothing else stands on first.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::failure::Result;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};

use super::owned;
use crate::flux::{Key, Object, Snapshot};
use crate::kube::failed;
use crate::spec::period;

/// Where Flux and Kubernetes themselves run: they are not put at risk.
const SPARED: [&str; 2] = ["flux-system", "kube-system"];
/// How often Flux looks where an interval cannot be read.
const INTERVAL: Duration = Duration::from_secs(600);

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Deployment is deleted.
    Deleted,
    /// A Deployment gets one more replica.
    Replicas,
    /// A label that Git sets gets another value.
    Label,
    /// A key of a `ConfigMap` that Git sets gets another value.
    Key,
}

/// What applied an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applier {
    Kustomization,
    HelmRelease,
}

/// An object to alter, and who puts it right.
#[derive(Clone, Debug)]
pub struct Target {
    pub object: Object,
    pub by: Key,
    /// How often that one looks by itself.
    pub interval: Duration,
}

/// One alteration, and its object, or why there is none.
#[derive(Clone, Debug)]
pub struct Choice {
    pub kind: Kind,
    pub applier: Applier,
    pub target: Result<Target, String>,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Deleted, Self::Replicas, Self::Label, Self::Key];

    const fn name(self) -> &'static str {
        match self {
            Self::Deleted => "a Deployment deleted",
            Self::Replicas => "replicas changed",
            Self::Label => "a label altered",
            Self::Key => "a ConfigMap's key altered",
        }
    }

    /// As a step's name.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Deleted => "delete",
            Self::Replicas => "scale",
            Self::Label => "relabel",
            Self::Key => "edit",
        }
    }

    /// Whether it can be done to an object, so that Git's state is lost.
    fn fits(self, object: &Object) -> bool {
        let deployment = object.kind() == "Deployment";
        match self {
            Self::Deleted => deployment,
            Self::Replicas => deployment && owned::replicas(object),
            Self::Label => owned::label(object).is_some(),
            Self::Key => {
                object.kind() == "ConfigMap" && !object.flag("/immutable") && owned::data_key(object).is_some()
            }
        }
    }

    /// Where in an object it is done.
    const fn path(self) -> &'static str {
        match self {
            Self::Deleted => "",
            Self::Replicas => "/spec/replicas",
            Self::Label => "/metadata/labels",
            Self::Key => "/data",
        }
    }
}

impl Applier {
    const fn name(self) -> &'static str {
        match self {
            Self::Kustomization => "Kustomization",
            Self::HelmRelease => "HelmRelease",
        }
    }
}

impl Choice {
    /// The same in every evaluation.
    pub fn name(&self) -> String {
        format!("{}, under a {}", self.kind.name(), self.applier.name())
    }

    /// Whether two cannot be made at once: one deletes what the other alters.
    pub fn conflicts(&self, other: &Self) -> bool {
        let (Ok(mine), Ok(theirs)) = (&self.target, &other.target) else { return false };
        let deletes = self.kind == Kind::Deleted || other.kind == Kind::Deleted;
        deletes && mine.object.key() == theirs.object.key()
    }
}

/// The objects that can be altered, with the fields that others own.
pub async fn read(client: &Client, appliers: &Snapshot) -> Result<Vec<Object>> {
    let listed: BTreeSet<Key> = appliers.flux().flat_map(Object::inventory).collect();
    let mut found = Vec::new();
    for (group, kind) in [("apps", "Deployment"), ("", "ConfigMap")] {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        let objects = api.list(&ListParams::default()).await;
        let objects = objects.map_err(|error| failed(format!("the list of {kind} cannot be read"), &error))?;
        for mut object in objects.items {
            // The items of a list do not say what they are.
            object.types = Some(kube::core::TypeMeta { api_version: resource.api_version.clone(), kind: kind.into() });
            let Ok(value) = serde_json::to_value(object) else { continue };
            let object = Object(value);
            if listed.contains(&object.key()) && !object.deleting() {
                found.push(object);
            }
        }
    }
    Ok(found)
}

/// Chooses an object for each alteration under one kind of applier.
pub fn choose(appliers: &Snapshot, objects: &[Object], applier: Applier) -> Vec<Choice> {
    let mut by: Vec<&Object> = appliers.of_kind(applier.name()).filter(|by| watches(by)).collect();
    by.sort_by_key(|by| (is_depended_on(by, appliers), by.key()));
    let mut deleted = None;
    let choices = Kind::ALL.map(|kind| {
        let target = target(kind, &by, objects, deleted.as_ref()).ok_or_else(|| why_not(kind, applier, appliers, &by));
        if let (Kind::Deleted, Ok(target)) = (kind, &target) {
            deleted = Some(target.object.key());
        }
        Choice { kind, applier, target }
    });
    choices.into()
}

/// The first object that fits; rather not the one that is deleted, which would cost a round.
fn target(kind: Kind, by: &[&Object], objects: &[Object], deleted: Option<&Key>) -> Option<Target> {
    let fits = by.iter().filter(|by| !ignores(by, kind.path())).flat_map(|by| {
        let listed: BTreeSet<Key> = by.inventory().collect();
        let good = move |object: &&Object| {
            listed.contains(&object.key())
                && !SPARED.contains(&object.namespace())
                && !owned::left_alone(object)
                && kind.fits(object)
        };
        objects.iter().filter(good).map(move |object| (*by, object))
    });
    let (by, object) = fits.min_by_key(|(_, object)| deleted == Some(&object.key()))?;
    let interval = period::parse(by.text("/spec/interval")).unwrap_or(INTERVAL);
    Some(Target { object: object.clone(), by: by.key(), interval })
}

/// Whether it puts right what was altered, at its interval.
fn watches(by: &Object) -> bool {
    // While it looks, which it does at each interval, it is neither.
    let ready = by.condition("Ready").is_some_and(|ready| ready.status != "False");
    let detects = by.kind() != "HelmRelease" || by.text("/spec/driftDetection/mode") == "enabled";
    ready && detects && !by.suspended() && !by.deleting()
}

/// Whether a release was told not to look at a path.
fn ignores(by: &Object, path: &str) -> bool {
    let mut rules = by.list("/spec/driftDetection/ignore").iter();
    let paths = |rule: &serde_json::Value| rule["paths"].as_array().cloned().unwrap_or_default();
    // An empty path is the whole object.
    let covers = |ignored: &str| ignored.is_empty() || !path.is_empty() && ignored.starts_with(path);
    rules.any(|rule| paths(rule).iter().any(|ignored| covers(ignored.as_str().unwrap_or_default())))
}

fn is_depended_on(by: &Object, appliers: &Snapshot) -> bool {
    let names = |other: &Object| {
        other.list("/spec/dependsOn").iter().any(|entry| {
            let namespace = entry["namespace"].as_str().unwrap_or(other.namespace());
            entry["name"] == by.name() && namespace == by.namespace()
        })
    };
    appliers.of_kind(by.kind()).any(names)
}

fn why_not(kind: Kind, applier: Applier, appliers: &Snapshot, by: &[&Object]) -> String {
    let (name, all) = (applier.name(), appliers.of_kind(applier.name()).count());
    if all == 0 {
        return format!("there is no {name}");
    }
    if by.is_empty() && applier == Applier::HelmRelease {
        return format!(
            "no HelmRelease of {all} is Ready with `driftDetection: {{mode: enabled}}`: nothing would revert it"
        );
    }
    let what = match kind {
        Kind::Deleted => "applies a Deployment",
        Kind::Replicas => "sets the replicas of a Deployment",
        Kind::Label => "sets a label of a Deployment or ConfigMap",
        Kind::Key => "sets a key of a ConfigMap",
    };
    format!("no {name} of {all} that is Ready {what} outside of {}", SPARED.join(" and "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applier(kind: &str, name: &str, spec: serde_json::Value, entries: &[&str]) -> Object {
        let group = if kind == "HelmRelease" { "helm" } else { "kustomize" };
        let entries: Vec<_> = entries.iter().map(|id| json!({"id": id, "v": "v1"})).collect();
        Object(json!({
            "apiVersion": format!("{group}.toolkit.fluxcd.io/v1"), "kind": kind,
            "metadata": {"name": name, "namespace": "flux-system"}, "spec": spec,
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "inventory": {"entries": entries}},
        }))
    }

    fn object(kind: &str, namespace: &str, name: &str, fields: serde_json::Value) -> Object {
        Object(json!({
            "kind": kind, "data": {"a": "b"}, "metadata": {
                "name": name, "namespace": namespace, "labels": {"team": "garden"},
                "managedFields": [{"manager": "kustomize-controller", "fieldsV1": fields}],
            },
        }))
    }

    fn chosen(choices: &[Choice]) -> Vec<String> {
        let told = |choice: &Choice| match &choice.target {
            Ok(target) => format!("{} by {} each {} s", target.object.key(), target.by.name, target.interval.as_secs()),
            Err(why) => why.clone(),
        };
        choices.iter().map(told).collect()
    }

    #[test]
    fn what_nothing_stands_on_is_altered_first() {
        let base = ["apps_base_apps_Deployment", "flux-system_x_apps_Deployment"];
        let leaf = ["apps_web_apps_Deployment", "apps_map__ConfigMap"];
        let appliers = Snapshot {
            objects: vec![
                applier("Kustomization", "base", json!({"interval": "1h"}), &base),
                applier("Kustomization", "leaf", json!({"interval": "5m0s", "dependsOn": [{"name": "base"}]}), &leaf),
            ],
        };
        let label = json!({"f:metadata": {"f:labels": {"f:team": {}}}, "f:spec": {"f:replicas": {}}});
        let objects = [
            object("Deployment", "flux-system", "x", label.clone()),
            object("Deployment", "apps", "base", json!({"f:spec": {"f:replicas": {}}})),
            object("Deployment", "apps", "web", label),
            object("ConfigMap", "apps", "map", json!({"f:data": {"f:a": {}}})),
        ];
        let choices = choose(&appliers, &objects, Applier::Kustomization);
        assert_eq!(
            chosen(&choices),
            [
                "Deployment/apps/web by leaf each 300 s",
                "Deployment/apps/base by base each 3600 s",
                "Deployment/apps/web by leaf each 300 s",
                "ConfigMap/apps/map by leaf each 300 s",
            ]
        );
        assert!(choices[2].conflicts(&choices[0]) && !choices[2].conflicts(&choices[1]));
        assert_eq!(super::super::rounds(choices).iter().map(Vec::len).collect::<Vec<_>>(), [3, 1]);
        let none = chosen(&choose(&appliers, &objects, Applier::HelmRelease));
        assert_eq!(none, ["there is no HelmRelease"; 4]);
    }

    #[test]
    fn a_release_must_detect_drift() {
        let entries = ["apps_web_apps_Deployment"];
        let release = |spec| Snapshot { objects: vec![applier("HelmRelease", "web", spec, &entries)] };
        let objects = [object("Deployment", "apps", "web", json!({"f:spec": {"f:replicas": {}}}))];
        let off = chosen(&choose(&release(json!({"interval": "5m"})), &objects, Applier::HelmRelease));
        assert!(off[0].contains("driftDetection"), "{off:?}");
        let ignore = json!([{"paths": ["/spec/replicas"]}]);
        let on = release(json!({"interval": "5m", "driftDetection": {"mode": "enabled", "ignore": ignore}}));
        let on = chosen(&choose(&on, &objects, Applier::HelmRelease));
        assert_eq!(on[0], "Deployment/apps/web by web each 300 s");
        assert!(on[1].starts_with("no HelmRelease of 1 that is Ready sets the replicas"), "{on:?}");
    }
}
