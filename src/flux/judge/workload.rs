//! Judges workloads, down to the pods of the newest revision.

use super::{Finding, Judged, Relations, State, finding, pod};
use crate::flux::Object;

/// Judges a workload, its newest `ReplicaSet` and their pods.
pub(super) fn judge(object: &Object, relations: &Relations, findings: &mut Vec<Finding>) {
    let current = relations.parent_is_current(&object.key());
    let judged = match object.kind() {
        _ if object.deleting() => Judged::progressing("is being deleted"),
        _ if !current => Judged::new(State::Waiting, "what it comes from is not at the newest revision yet"),
        "Deployment" => deployment(object),
        "StatefulSet" => stateful_set(object),
        "DaemonSet" => daemon_set(object),
        _ => job(object),
    };
    findings.push(finding(relations, object.key(), judged));
    if !current {
        return;
    }
    for pod in newest_pods(object, relations, findings) {
        pod::judge(pod, relations, findings);
    }
}

fn deployment(object: &Object) -> Judged {
    if !object.observed() {
        return Judged::progressing("its newest generation was not looked at yet");
    }
    let wanted = object.0.pointer("/spec/replicas").and_then(serde_json::Value::as_i64).unwrap_or(1);
    let count = |name: &str| object.number(&format!("/status/{name}"));
    let (updated, total, available) = (count("updatedReplicas"), count("replicas"), count("availableReplicas"));
    if updated >= wanted && total <= updated && available >= wanted {
        return Judged::ready();
    }
    let stuck = object.condition("Progressing").filter(|progressing| progressing.reason == "ProgressDeadlineExceeded");
    match stuck {
        Some(stuck) => Judged::suspected(stuck.message),
        None => Judged::progressing(format!("{available} of {wanted} replicas are available, {updated} are updated")),
    }
}

fn stateful_set(object: &Object) -> Judged {
    if !object.observed() {
        return Judged::progressing("its newest generation was not looked at yet");
    }
    let wanted = object.0.pointer("/spec/replicas").and_then(serde_json::Value::as_i64).unwrap_or(1);
    let ready = object.number("/status/readyReplicas");
    let by_hand = object.text("/spec/updateStrategy/type") == "OnDelete";
    let newest = object.text("/status/currentRevision") == object.text("/status/updateRevision");
    let partial = object.number("/spec/updateStrategy/rollingUpdate/partition") > 0;
    if ready >= wanted && (by_hand || newest || partial) {
        Judged::ready()
    } else {
        Judged::progressing(format!("{ready} of {wanted} replicas are ready"))
    }
}

fn daemon_set(object: &Object) -> Judged {
    if !object.observed() {
        return Judged::progressing("its newest generation was not looked at yet");
    }
    let count = |name: &str| object.number(&format!("/status/{name}"));
    let wanted = count("desiredNumberScheduled");
    let (updated, available) = (count("updatedNumberScheduled"), count("numberAvailable"));
    let by_hand = object.text("/spec/updateStrategy/type") == "OnDelete";
    if (by_hand || updated >= wanted) && available >= wanted {
        Judged::ready()
    } else {
        Judged::progressing(format!("{available} of {wanted} pods are available, {updated} are updated"))
    }
}

fn job(object: &Object) -> Judged {
    let holds = |kind: &str| object.condition(kind).filter(|condition| condition.status == "True");
    if holds("Complete").is_some() || object.suspended() {
        return Judged::ready();
    }
    match holds("Failed") {
        Some(failed) => Judged::permanent(format!("{}: {}", failed.reason, failed.message)),
        None => Judged::progressing(format!("{} pods are active", object.number("/status/active"))),
    }
}

/// The pods that the newest revision of a workload made.
fn newest_pods<'a>(object: &Object, relations: &Relations<'a>, findings: &mut Vec<Finding>) -> Vec<&'a Object> {
    let children = relations.children(object);
    let labelled = |label: &str, value: &str| {
        let pointer = format!("/metadata/labels/{}", label.replace('/', "~1"));
        children.iter().copied().filter(|child| child.text(&pointer) == value).collect()
    };
    match object.kind() {
        "Deployment" => {
            let Some(newest) = newest_replica_set(object, children) else { return Vec::new() };
            let failure = newest.condition("ReplicaFailure").filter(|failure| failure.status == "True");
            if let Some(failure) = failure {
                let judged = Judged::suspected(format!("{}: {}", failure.reason, failure.message));
                findings.push(finding(relations, newest.key(), judged));
            }
            relations.children(newest).to_vec()
        }
        "StatefulSet" => labelled("controller-revision-hash", object.text("/status/updateRevision")),
        "DaemonSet" => labelled("pod-template-generation", &object.generation().to_string()),
        _ => children.to_vec(),
    }
}

fn newest_replica_set<'a>(deployment: &Object, children: &[&'a Object]) -> Option<&'a Object> {
    let revision = |object: &Object| object.text("/metadata/annotations/deployment.kubernetes.io~1revision").to_owned();
    let newest = revision(deployment);
    children.iter().copied().find(|child| revision(child) == newest)
}

/// Judges a planned node.
pub(super) fn node(node: Option<&Object>) -> Judged {
    match node.and_then(|node| node.condition("Ready")) {
        Some(ready) if ready.status == "True" => Judged::ready(),
        Some(ready) => Judged::progressing(format!("{}: {}", ready.reason, ready.message)),
        None => Judged::progressing("has not joined yet"),
    }
}
