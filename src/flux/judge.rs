//! Judges a snapshot: what is Ready, what progresses, and what fails.
//!
//! Pure: recorded objects give the same findings as live ones. What needs time is in [`super::Memory`].

mod kustomization;
mod pod;
mod relations;
mod release;
mod source;
mod workload;

use std::collections::BTreeSet;

use serde::Serialize;

pub(super) use relations::Relations;

use super::object::commit_of;
use super::{Key, NAME, NAMESPACE, Object, Snapshot};

/// What an object's state means for the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Ready,
    /// It waits for another object, which has a finding of its own.
    Waiting,
    Progressing,
    /// It fails, and may still heal by itself.
    Suspected,
    /// It fails, and no waiting mends it.
    Permanent,
}

/// What was found of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub key: Key,
    pub state: State,
    /// What it says itself.
    pub message: String,
    /// Changes whenever it was tried again; empty where tries cannot be told.
    pub attempt: String,
    /// Changes whenever it was brought to another revision.
    pub epoch: String,
    /// The container that fails, of a pod.
    pub container: Option<String>,
    /// The objects that it comes from, the outermost first, itself last.
    pub chain: Vec<Key>,
}

/// A state and what is said of it.
pub(super) struct Judged {
    pub state: State,
    pub message: String,
}

impl Judged {
    pub(super) fn new(state: State, message: impl Into<String>) -> Self {
        Self { state, message: message.into() }
    }

    pub(super) fn ready() -> Self {
        Self::new(State::Ready, "")
    }

    pub(super) fn progressing(message: impl Into<String>) -> Self {
        Self::new(State::Progressing, message)
    }

    pub(super) fn suspected(message: impl Into<String>) -> Self {
        Self::new(State::Suspected, message)
    }

    pub(super) fn permanent(message: impl Into<String>) -> Self {
        Self::new(State::Permanent, message)
    }
}

/// Judges every object that the repository's readiness depends on.
///
/// `accepted` are the commits that contain the seeded one; `nodes` are the planned ones.
pub fn judge(snapshot: &Snapshot, accepted: &BTreeSet<String>, nodes: &[String]) -> Vec<Finding> {
    let relations = Relations::of(snapshot, accepted);
    let mut findings = Vec::new();
    for key in [Key::new("GitRepository", NAMESPACE, NAME), Key::new("Kustomization", NAMESPACE, NAME)] {
        if relations.get(&key).is_none() {
            findings.push(finding(&relations, key, Judged::progressing("does not exist yet")));
        }
    }
    for object in snapshot.flux() {
        let judged = judge_flux(object, &relations);
        findings.push(finding(&relations, object.key(), judged));
        missing(object, &relations, &mut findings);
    }
    for object in relations.workloads() {
        workload::judge(object, &relations, &mut findings);
    }
    for name in nodes {
        let key = Key::new("Node", "", name);
        let judged = workload::node(relations.get(&key));
        findings.push(finding(&relations, key, judged));
    }
    findings
}

pub(super) fn finding(relations: &Relations, key: Key, judged: Judged) -> Finding {
    let attempt = relations.attempt(&key);
    let chain = relations.chain(&key);
    let epoch = relations.epoch(&key);
    Finding { state: judged.state, message: judged.message, attempt, epoch, container: None, chain, key }
}

fn judge_flux(object: &Object, relations: &Relations) -> Judged {
    if let Some(judged) = common(object, relations) {
        return judged;
    }
    match object.kind() {
        "Kustomization" => kustomization::judge(object, relations),
        "HelmRelease" => release::judge(object, relations),
        "GitRepository" | "OCIRepository" | "HelmRepository" | "Bucket" | "HelmChart" => {
            source::judge(object, relations)
        }
        _ => by_condition(object),
    }
}

/// What holds for every kind before it is looked at in detail.
fn common(object: &Object, relations: &Relations) -> Option<Judged> {
    if object.deleting() {
        return Some(Judged::progressing("is being deleted"));
    }
    if without_status(object) {
        return Some(Judged::ready());
    }
    if !relations.parent_is_current(&object.key()) {
        return Some(Judged::new(State::Waiting, "what it comes from is not at the newest revision yet"));
    }
    if object.suspended() {
        return Some(Judged::permanent("is suspended (spec.suspend is true), so it never becomes Ready"));
    }
    // Flux counts a generation as observed only once it succeeded; a failure says itself which one it is of.
    let failed = object.current_condition("Ready").is_some_and(|ready| ready.status == "False");
    if object.0.pointer("/status/observedGeneration").is_some() && !object.observed() && !failed {
        return Some(Judged::progressing("its newest generation was not looked at yet"));
    }
    if let Some(lagging) = source::lagging(object, relations) {
        return Some(lagging);
    }
    if let Some(stalled) = object.current_condition("Stalled").filter(|stalled| stalled.status == "True") {
        return Some(Judged::permanent(format!("{}: {}", stalled.reason, stalled.message)));
    }
    None
}

/// Kinds that have no status: present is all that they can be.
fn without_status(object: &Object) -> bool {
    match object.kind() {
        "Provider" | "Alert" => object.current_condition("Ready").is_none(),
        "HelmRepository" => object.text("/spec/type") == "oci",
        _ => false,
    }
}

/// Ready as its own condition says, for kinds without more to look at.
fn by_condition(object: &Object) -> Judged {
    match object.current_condition("Ready") {
        Some(ready) if ready.status == "True" => Judged::ready(),
        Some(ready) if ready.status == "False" && ready.reason == "DependencyNotReady" => {
            Judged::new(State::Waiting, ready.message)
        }
        Some(ready) if ready.status == "False" && without_api(ready.message) => Judged::progressing(ready.message),
        Some(ready) if ready.status == "False" => Judged::suspected(format!("{}: {}", ready.reason, ready.message)),
        Some(ready) => Judged::progressing(ready.message),
        None => Judged::progressing("its controller has not looked at it yet"),
    }
}

/// Whether a controller did not reach the API server, as while that starts: it says nothing of what it looks after.
///
/// The message is a failed request of client-go: `Get "https://10.96.0.1:443/api/v1/...": dial tcp ...`.
fn without_api(message: &str) -> bool {
    let Some((_, error)) = message.split_once(":443/api").and_then(|(_, rest)| rest.split_once("\": ")) else {
        return false;
    };
    ["connection refused", "connection reset", "timeout", "deadline exceeded", "no route to host", "EOF"]
        .iter()
        .any(|sign| error.contains(sign))
}

/// What was applied, and is not in the snapshot yet.
fn missing(object: &Object, relations: &Relations, findings: &mut Vec<Finding>) {
    for key in object.inventory().filter(Relations::is_judged) {
        if relations.get(&key).is_none() {
            findings.push(finding(relations, key, Judged::progressing("was applied, and is not there")));
        }
    }
}

/// Whether the first source is at a commit that contains the seeded one.
pub(super) fn accepted_source(object: &Object, accepted: &BTreeSet<String>) -> bool {
    object.key() != Key::new("GitRepository", NAMESPACE, NAME)
        || accepted.contains(commit_of(object.artifact_revision()))
}
