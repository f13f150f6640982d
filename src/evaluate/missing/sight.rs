//! What is seen of the probe, look by look.

use std::collections::BTreeSet;
use std::time::Duration;

use super::objects::{self, FIRST, KIND, SECOND};
use crate::flux::{Finding, Key, Memory, Object, Snapshot, Verdict, judge};

/// What earlier looks saw. Times count from any fixed moment.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// Since when the source offers its commit.
    pub fetched: Option<Duration>,
    /// Since when the first tier says that it failed with that commit.
    pub failed: Option<Duration>,
    memory: Memory,
}

/// What a look saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing is certain yet; what is missing.
    NotYet(String),
    /// The one cause, as `up` names it.
    Named(Box<Finding>),
    /// Both tiers are Ready, with a kind that is defined nowhere.
    Ready,
}

impl Sight {
    /// Takes a look into account.
    ///
    /// Only the probe's own objects are judged: what else the cluster is busy with says nothing of them.
    pub fn look(&mut self, snapshot: &Snapshot, now: Duration) -> Look {
        let keys = objects::keys();
        let [Some(source), Some(first), Some(_)] = keys.each_ref().map(|key| find(snapshot, key)) else {
            return Look::NotYet("its objects are not there yet".into());
        };
        let revision = source.artifact_revision();
        if !revision.is_empty() {
            self.fetched.get_or_insert(now);
            let failed = first.current_condition("Ready").is_some_and(|ready| ready.status == "False");
            if failed && first.text("/status/lastAttemptedRevision") == revision {
                self.failed.get_or_insert(now);
            }
        }
        let mut findings = judge(snapshot, &BTreeSet::new(), &[]);
        findings.retain(|finding| keys.contains(&finding.key));
        match self.memory.verdict(&findings, now) {
            Verdict::Ready => Look::Ready,
            Verdict::Progressing { finding, .. } => Look::NotYet(format!("{}: {}", finding.key, finding.message)),
            Verdict::Permanent { finding } => Look::Named(finding),
        }
    }

    /// What Flux is asked to try again, so that a cause which stays is known.
    pub fn to_retry<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a Object> {
        let known: Vec<&Key> = self.memory.to_retry().collect();
        snapshot.flux().filter(|object| known.contains(&&object.key())).collect()
    }
}

/// Whether a finding is the one that is wanted.
pub fn is_the_kind(finding: &Finding) -> bool {
    finding.key.name == FIRST && finding.message.contains(KIND)
}

/// What the second tier says while it waits for the first one; nothing where it says something else.
pub fn waits(snapshot: &Snapshot) -> Result<String, String> {
    let [.., second] = objects::keys();
    let Some(second) = find(snapshot, &second) else { return Err(format!("{SECOND} is not there")) };
    match second.current_condition("Ready") {
        Some(ready) if ready.reason == "DependencyNotReady" => Ok(format!("{}: {}", ready.reason, ready.message)),
        Some(ready) => Err(format!("{}: {}", ready.reason, ready.message)),
        None => Err("its controller has not looked at it yet".into()),
    }
}

fn find<'a>(snapshot: &'a Snapshot, key: &Key) -> Option<&'a Object> {
    snapshot.flux().find(|object| object.key() == *key)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::flux::NAMESPACE;

    const NO_MATCH: &str = "NeverDefined/flux-system/seedbed-evaluate-first dry-run failed: \
                            no matches for kind \"NeverDefined\" in version \"evaluate.seedbed.invalid/v1\"";

    fn object(kind: &str, name: &str, spec: Value, status: Value) -> Object {
        let group = if kind == "GitRepository" { "source" } else { "kustomize" };
        Object(json!({
            "apiVersion": format!("{group}.toolkit.fluxcd.io/v1"), "kind": kind,
            "metadata": {"name": name, "namespace": NAMESPACE, "generation": 1}, "spec": spec, "status": status,
        }))
    }

    fn ready(status: &str, reason: &str, message: &str) -> Value {
        json!([{"type": "Ready", "status": status, "reason": reason, "message": message, "observedGeneration": 1}])
    }

    /// The probe, its first tier tried so many times.
    fn snapshot(tries: u32) -> Snapshot {
        let source = json!({"kind": "GitRepository", "name": objects::NAME});
        let first = json!({
            "conditions": ready("False", "ReconciliationFailed", NO_MATCH), "lastHandledReconcileAt": tries.to_string(),
            "lastAttemptedRevision": "tag@sha1:1",
        });
        let second = json!({"conditions": ready("False", "DependencyNotReady", "dependency is not ready")});
        Snapshot {
            objects: vec![
                object(
                    "GitRepository",
                    objects::NAME,
                    json!({}),
                    json!({"artifact": {"revision": "tag@sha1:1"}, "observedGeneration": 1,
                        "conditions": ready("True", "Succeeded", "stored artifact")}),
                ),
                object("Kustomization", FIRST, json!({"sourceRef": source}), first),
                object("Kustomization", SECOND, json!({"sourceRef": source, "dependsOn": [{"name": FIRST}]}), second),
                // Of the user's own, and busy: it must not hold the verdict up.
                object("Kustomization", "apps", json!({}), json!({"conditions": ready("Unknown", "Progressing", "")})),
            ],
        }
    }

    #[test]
    fn the_missing_kind_is_named_once_it_stands() {
        let mut sight = Sight::default();
        let seconds = Duration::from_secs;
        assert_eq!(sight.look(&Snapshot::default(), seconds(1)), Look::NotYet("its objects are not there yet".into()));
        for (now, tries) in [(2, 0), (20, 1), (40, 2)] {
            let snapshot = snapshot(tries);
            assert!(matches!(sight.look(&snapshot, seconds(now)), Look::NotYet(_)), "{now}");
            let again: Vec<&str> = sight.to_retry(&snapshot).into_iter().map(Object::name).collect();
            assert_eq!(again.contains(&FIRST), tries < 2, "{now}");
        }
        let Look::Named(finding) = sight.look(&snapshot(2), seconds(50)) else { panic!("not named") };
        assert!(is_the_kind(&finding), "{finding:?}");
        assert_eq!((sight.fetched, sight.failed), (Some(seconds(2)), Some(seconds(2))));
    }

    #[test]
    fn another_cause_is_not_the_kind() {
        let mut sight = Sight::default();
        let mut look = |now: u64| {
            let mut refused = snapshot(0);
            let conditions = ready("False", "AuthenticationFailed", "unable to authenticate");
            refused.objects[0].0["status"] =
                json!({"conditions": conditions, "lastHandledReconcileAt": now.to_string()});
            sight.look(&refused, Duration::from_secs(now))
        };
        assert!(matches!(look(1), Look::NotYet(_)));
        let Look::Named(finding) = look(30) else { panic!("not named") };
        assert_eq!((finding.key.kind.as_str(), is_the_kind(&finding)), ("GitRepository", false));
        assert_eq!(sight.fetched, None);
    }

    #[test]
    fn the_second_tier_waits_only_if_it_says_so() {
        let mut snapshot = snapshot(0);
        assert_eq!(waits(&snapshot), Ok("DependencyNotReady: dependency is not ready".into()));
        snapshot.objects[2].0["status"]["conditions"] = ready("True", "ReconciliationSucceeded", "Applied revision");
        assert_eq!(waits(&snapshot), Err("ReconciliationSucceeded: Applied revision".into()));
    }
}
