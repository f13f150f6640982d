//! Whether tiers waited for those that they depend on: a tier's first Ready comes before anything of the next is made.

use std::collections::BTreeMap;

use engine::failure::Result;
use jiff::Timestamp;
use kube::Client;
use serde_json::Value;

use super::created;
use super::record::{Recording, first_ready};
use super::result::{Case, Part};
use crate::flux::{Key, Object, Snapshot, read_appliers};

/// What is known of when things came about.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// By the tier's name.
    pub ready: BTreeMap<String, Timestamp>,
    /// By the object's name.
    pub created: BTreeMap<String, Timestamp>,
    /// Whether both come from a watch since before the first apply.
    pub recorded: bool,
}

impl Times {
    /// Those of a recording, for tiers that it knows.
    pub fn recorded(recording: &Recording) -> Self {
        let ready = recording.ready.iter().map(|(name, ready)| (name.clone(), ready.at)).collect();
        Self { ready, created: recording.created.clone(), recorded: true }
    }

    /// Those that the objects tell now.
    pub async fn told_now(client: &Client, snapshot: &Snapshot) -> Result<Self> {
        let ready = snapshot.flux().filter_map(|tier| Some((tier.key().to_string(), earliest(tier)?))).collect();
        Ok(Self { ready, created: created::read(client).await?, recorded: false })
    }
}

/// The earliest time that a tier tells of having been Ready: each look of Flux moves the condition's own time.
fn earliest(tier: &Object) -> Option<Timestamp> {
    let good = |entry: &&Value| entry["lastReconciledStatus"] == "ReconciliationSucceeded";
    let time = |entry: &Value| entry["firstReconciled"].as_str()?.parse().ok();
    let history = tier.list("/status/history").iter().filter(good).filter_map(time);
    history.chain(first_ready(tier).map(|ready| ready.at)).min()
}

/// Judges every dependency between tiers.
pub async fn order(client: &Client, recording: Option<&Recording>) -> Result<Vec<Case>> {
    let snapshot = read_appliers(client).await?;
    let times = match recording.filter(|recording| !recording.created.is_empty()) {
        Some(recording) => Times::recorded(recording),
        None => Times::told_now(client, &snapshot).await?,
    };
    Ok(judge(&snapshot, &times))
}

/// Judges every dependency of a snapshot.
pub fn judge(snapshot: &Snapshot, times: &Times) -> Vec<Case> {
    let tiers = snapshot.flux().filter(|tier| !tier.deleting());
    let mut cases: Vec<Case> = tiers.flat_map(|tier| dependencies(tier).map(move |on| one(tier, &on, times))).collect();
    if cases.is_empty() {
        cases.push(Case::skipped(Part::Order, "tiers", "no tier depends on another: nothing enforces an order"));
    }
    cases
}

fn dependencies(tier: &Object) -> impl Iterator<Item = Key> {
    let own = move |entry: &Value| {
        let namespace = entry["namespace"].as_str().filter(|namespace| !namespace.is_empty());
        Some(Key::new(tier.kind(), namespace.unwrap_or(tier.namespace()), entry["name"].as_str()?))
    };
    tier.list("/spec/dependsOn").iter().filter_map(own)
}

fn one(tier: &Object, on: &Key, times: &Times) -> Case {
    let name = format!("{} after {on}", tier.key());
    let source =
        if times.recorded { "recorded by a watch during `up`" } else { "told by the objects now, not recorded" };
    let made = tier.inventory().filter_map(|key| Some((*times.created.get(&key.to_string())?, key)));
    let mut made: Vec<(Timestamp, Key)> = made.collect();
    made.sort();
    let Some((first, object)) = made.first() else {
        return Case::skipped(Part::Order, name, format!("nothing is known of what it applies ({source})"));
    };
    let Some(ready) = times.ready.get(&on.to_string()) else {
        let detail = format!("{on} was never Ready, and {object} is there ({source})");
        return Case::failed(Part::Order, name, detail);
    };
    let gap = first.duration_since(*ready).as_secs();
    let (of, count) = (format!("{object}, the first of"), made.len());
    let case = match gap {
        1.. => Case::passed(Part::Order, name, format!("{of} {count}, came {gap} s after it was Ready ({source})")),
        // Both times are whole seconds.
        0 => Case::passed(Part::Order, name, format!("{of} {count}, came in the same second: a tie ({source})")),
        _ if times.recorded => {
            let before = made.iter().filter(|(at, _)| at < ready).count();
            let detail =
                format!("{before} of {count} objects came before it was Ready, {object} {} s ({source})", -gap);
            Case::failed(Part::Order, name, detail)
        }
        _ => {
            let why = "it became Ready anew since, and no watch recorded the first time";
            return Case::skipped(Part::Order, name, format!("{why} ({source})"));
        }
    };
    case.measured(first.duration_since(*ready).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::evaluate::result::Outcome;

    fn snapshot() -> Snapshot {
        let tier = |name: &str, on: &[&str], entries: &[&str]| {
            let on: Vec<_> = on.iter().map(|name| json!({"name": name})).collect();
            let entries: Vec<_> = entries.iter().map(|id| json!({"id": id, "v": "v1"})).collect();
            Object(json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": {"name": name, "namespace": "flux-system"}, "spec": {"dependsOn": on},
                "status": {"inventory": {"entries": entries}},
            }))
        };
        let apps = tier("apps", &["base"], &["apps_web_apps_Deployment", "apps_web__Service"]);
        Snapshot { objects: vec![tier("base", &[], &["_apps__Namespace"]), apps] }
    }

    fn times(ready: &str, first: &str, recorded: bool) -> Times {
        let at = |second: &str| format!("2026-11-23T15:00:{second}Z").parse().unwrap();
        Times {
            ready: [("Kustomization/flux-system/base".to_owned(), at(ready))].into(),
            created: [("Service/apps/web".to_owned(), at(first)), ("Deployment/apps/web".to_owned(), at("59"))].into(),
            recorded,
        }
    }

    fn judged(times: &Times) -> (Outcome, Option<f64>, String) {
        let mut cases = judge(&snapshot(), times);
        assert_eq!(cases.len(), 1, "{cases:?}");
        let case = cases.remove(0);
        assert_eq!(case.name, "Kustomization/flux-system/apps after Kustomization/flux-system/base");
        (case.outcome, case.value, case.detail)
    }

    #[test]
    fn ready_comes_before_what_depends_on_it() {
        let (outcome, gap, _) = judged(&times("10", "13", true));
        assert_eq!((outcome, gap), (Outcome::Passed, Some(3.0)));
        let (outcome, gap, detail) = judged(&times("10", "10", true));
        assert_eq!((outcome, gap, detail.contains("a tie")), (Outcome::Passed, Some(0.0), true));
        let (outcome, gap, detail) = judged(&times("10", "08", true));
        assert_eq!((outcome, gap), (Outcome::Failed, Some(-2.0)));
        assert!(detail.starts_with("1 of 2 objects came before it was Ready, Service/apps/web 2 s"), "{detail}");
    }

    #[test]
    fn without_a_recording_a_late_ready_says_nothing() {
        let (outcome, gap, detail) = judged(&times("10", "08", false));
        assert_eq!((outcome, gap, detail.contains("not recorded")), (Outcome::Skipped, None, true));
        assert_eq!(judged(&times("10", "11", false)).0, Outcome::Passed);
        let never = Times { ready: BTreeMap::new(), ..times("10", "11", true) };
        assert_eq!(judged(&never).0, Outcome::Failed);
    }

    #[test]
    fn the_history_tells_of_an_earlier_ready() {
        let entry = |status: &str, at: &str| json!({"lastReconciledStatus": status, "firstReconciled": at});
        let history = [
            entry("ReconciliationSucceeded", "2026-11-23T15:00:09Z"),
            entry("ReconciliationSucceeded", "2026-11-23T15:00:05Z"),
            entry("HealthCheckFailed", "2026-11-23T15:00:01Z"),
        ];
        let tier = Object(json!({"kind": "Kustomization", "status": {"history": history}}));
        assert_eq!(earliest(&tier), "2026-11-23T15:00:05Z".parse().ok());
        assert_eq!(earliest(&Object(json!({}))), None);
    }

    #[test]
    fn without_dependencies_there_is_no_order() {
        let cases = judge(&Snapshot::default(), &Times::default());
        assert_eq!(cases[0].outcome, Outcome::Skipped);
    }
}
