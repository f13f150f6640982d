//! When a revision was fetched and applied, as Flux shows it.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::failure::Result;
use kube::Client;

use super::object::commit_of;
use super::snapshot::read_tiers;
use super::{Key, NAME, NAMESPACE, Object, Snapshot};

/// What Flux has done with a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Milestone {
    /// The first source offers it.
    Fetched,
    /// Every tier of the first source has applied it; its pods may still be starting.
    Applied,
}

/// Looks until a revision was fetched and applied, and tells each once.
///
/// `contains` says whether a commit contains the revision. Looks that fail are made again: this never fails.
pub async fn milestones(
    client: &Client,
    pause: Duration,
    contains: impl AsyncFn(&str) -> Result<bool>,
    mut reached: impl FnMut(Milestone),
) {
    let mut known = Commits { contains, known: BTreeMap::new() };
    let mut next = Milestone::Fetched;
    loop {
        if let Ok(snapshot) = read_tiers(client).await {
            if next == Milestone::Fetched && known.fetched(&snapshot).await {
                reached(next);
                next = Milestone::Applied;
            }
            if next == Milestone::Applied && known.applied(&snapshot).await {
                return reached(next);
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// Commits that were asked about: the answer never changes.
struct Commits<C> {
    contains: C,
    known: BTreeMap<String, bool>,
}

impl<C: AsyncFn(&str) -> Result<bool>> Commits<C> {
    async fn fetched(&mut self, snapshot: &Snapshot) -> bool {
        let root = Key::new("GitRepository", NAMESPACE, NAME);
        match snapshot.flux().find(|object| object.key() == root) {
            Some(source) => self.has(source.artifact_revision()).await,
            None => false,
        }
    }

    async fn applied(&mut self, snapshot: &Snapshot) -> bool {
        let tiers = snapshot.of_kind("Kustomization").filter(|tier| is_tier(tier));
        for tier in tiers {
            if !self.has(applied_revision(tier)).await {
                return false;
            }
        }
        true
    }

    async fn has(&mut self, revision: &str) -> bool {
        let commit = commit_of(revision);
        if commit.is_empty() {
            return false;
        }
        if let Some(known) = self.known.get(commit) {
            return *known;
        }
        let Ok(answer) = (self.contains)(commit).await else { return false };
        self.known.insert(commit.to_owned(), answer);
        answer
    }
}

/// Whether a Kustomization applies the first source.
fn is_tier(object: &Object) -> bool {
    let namespace = match object.text("/spec/sourceRef/namespace") {
        "" => object.namespace(),
        namespace => namespace,
    };
    let source = (object.text("/spec/sourceRef/kind"), namespace, object.text("/spec/sourceRef/name"));
    source == ("GitRepository", NAMESPACE, NAME) && !object.suspended() && !object.deleting()
}

/// The revision that was applied last: with `wait: true` it is told of only after the health checks.
fn applied_revision(object: &Object) -> &str {
    let checks = object.condition("Reconciling").map_or("", |condition| condition.message);
    let checked = checks.strip_prefix("Running health checks for revision ");
    checked.and_then(|rest| rest.split_whitespace().next()).unwrap_or(object.text("/status/lastAppliedRevision"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tier(applied: &str, reconciling: &str) -> Object {
        Object(json!({
            "kind": "Kustomization", "metadata": {"name": "apps", "namespace": "flux-system"},
            "spec": {"sourceRef": {"kind": "GitRepository", "name": "flux-system"}},
            "status": {
                "lastAppliedRevision": applied,
                "conditions": [{"type": "Reconciling", "status": "True", "message": reconciling}],
            },
        }))
    }

    #[tokio::test]
    async fn a_tier_whose_health_is_checked_has_applied() {
        let mut commits = Commits { contains: async |commit: &str| Ok(commit == "new"), known: BTreeMap::new() };
        let mut applied = async |tier| commits.applied(&Snapshot { objects: vec![tier] }).await;
        assert!(!applied(tier("main@sha1:old", "Building manifests")).await);
        assert!(applied(tier("main@sha1:new", "")).await);
        let checks = "Running health checks for revision main@sha1:new with a timeout of 30s";
        assert!(applied(tier("main@sha1:old", checks)).await);
        assert!(!applied(tier("", "")).await);
    }
}
