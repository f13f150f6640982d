//! Records when each tier was first Ready: from a watch that `up` keeps open since before the first apply.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use engine::failure::Result;
use futures::StreamExt as _;
use futures::future::{Either, join, select};
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, WatchEvent, WatchParams};
use serde::{Deserialize, Serialize};

use super::created;
use crate::flux::{Object, read_appliers};
use crate::state::{State, write_private};

/// How long a watch that cannot be opened is left alone.
const AGAIN: Duration = Duration::from_secs(2);

/// When tiers were first Ready, and when what they applied was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// When the watch began.
    pub since: Timestamp,
    /// By the tier's name, as in `Kustomization/flux-system/apps`.
    pub ready: BTreeMap<String, FirstReady>,
    /// When each applied object was made, as seen when everything was Ready for the first time.
    pub created: BTreeMap<String, Timestamp>,
}

/// The first time that a tier was Ready at its newest generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstReady {
    /// As its controller wrote it, to the second.
    pub at: Timestamp,
    pub generation: i64,
    pub revision: String,
}

impl Recording {
    /// The one in a state directory.
    pub fn load(state: &State) -> Option<Self> {
        serde_json::from_str(&std::fs::read_to_string(path(state)).ok()?).ok()
    }

    /// Takes what a tier says; answers whether it was Ready for the first time.
    fn take(&mut self, tier: &Object) -> bool {
        let name = tier.key().to_string();
        if self.ready.contains_key(&name) {
            return false;
        }
        let Some(ready) = first_ready(tier) else { return false };
        self.ready.insert(name, ready);
        true
    }
}

/// What a tier says of being Ready, if it is, at its newest generation and a revision.
pub fn first_ready(tier: &Object) -> Option<FirstReady> {
    let revisions = ["/status/lastAppliedRevision", "/status/lastAttemptedRevision"].map(|pointer| tier.text(pointer));
    let revision = revisions.into_iter().find(|revision| !revision.is_empty())?;
    let condition = tier.list("/status/conditions").iter().find(|condition| condition["type"] == "Ready")?;
    let at = condition["lastTransitionTime"].as_str()?.parse().ok()?;
    let good = condition["status"] == "True" && tier.observed() && !tier.deleting();
    good.then(|| FirstReady { at, generation: tier.generation(), revision: revision.to_owned() })
}

/// Runs the wait for Ready while recording. What cannot be recorded stops nothing.
///
/// A cluster where a tier is Ready already, and of which no recording was begun, gets none: it would not tell the truth.
pub async fn during<T>(client: &Client, state: &State, wait: impl Future<Output = Result<T>>) -> Result<T> {
    let known = Recording::load(state);
    if known.as_ref().is_some_and(|known| !known.created.is_empty()) {
        return wait.await;
    }
    let recorder = Recorder { client, path: path(state), since: Timestamp::now() };
    let recording = RefCell::new(known);
    let result = {
        let wait = pin!(wait);
        let record = pin!(recorder.record(&recording));
        match select(wait, record).await {
            Either::Left((result, _)) => result,
            Either::Right(((), wait)) => wait.await,
        }
    };
    if let (Ok(_), Some(mut recording)) = (&result, recording.into_inner()) {
        recording.created = created::read(client).await.unwrap_or_default();
        recorder.save(&recording);
    }
    result
}

struct Recorder<'a> {
    client: &'a Client,
    path: PathBuf,
    since: Timestamp,
}

impl Recorder<'_> {
    /// Ends only where there is nothing to be recorded.
    async fn record(&self, recording: &RefCell<Option<Recording>>) {
        if recording.borrow().is_none() {
            let Ok(tiers) = read_appliers(self.client).await else { return };
            if tiers.flux().any(|tier| first_ready(tier).is_some()) {
                return;
            }
            *recording.borrow_mut() = Some(Recording { since: self.since, ..Recording::default() });
        }
        let take = |tier: &Object| {
            let mut recording = recording.borrow_mut();
            if let Some(recording) = recording.as_mut()
                && recording.take(tier)
            {
                self.save(recording);
            }
        };
        let tiers = self.watch("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", &take);
        join(tiers, self.watch("helm.toolkit.fluxcd.io", "v2", "HelmRelease", &take)).await;
    }

    /// Hands on every state of every object of a kind, for ever.
    async fn watch(&self, group: &str, version: &str, kind: &str, take: &impl Fn(&Object)) {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        loop {
            // From 0: first everything that there is.
            if let Ok(stream) = api.watch(&WatchParams::default(), "0").await {
                let mut stream = pin!(stream);
                while let Some(Ok(event)) = stream.next().await {
                    if let WatchEvent::Added(object) | WatchEvent::Modified(object) = event
                        && let Ok(mut value) = serde_json::to_value(&object)
                    {
                        value["kind"] = kind.into();
                        take(&Object(value));
                    }
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn save(&self, recording: &Recording) {
        // A recording that cannot be written is one that evaluate does not find.
        if let Ok(text) = serde_json::to_string_pretty(recording) {
            let _ = write_private(&self.path, text.as_bytes());
        }
    }
}

fn path(state: &State) -> PathBuf {
    state.directory().join("order.json")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tier(status: &str, observed: i64, at: &str, revision: &str) -> Object {
        Object(json!({
            "kind": "Kustomization", "metadata": {"name": "apps", "namespace": "flux-system", "generation": 2},
            "status": {
                "observedGeneration": observed, "lastAppliedRevision": revision,
                "conditions": [{"type": "Ready", "status": status, "lastTransitionTime": at}],
            },
        }))
    }

    #[test]
    fn only_the_first_ready_of_the_newest_generation_counts() {
        let mut recording = Recording::default();
        assert!(!recording.take(&tier("Unknown", 2, "2026-11-23T15:00:00Z", "")));
        assert!(!recording.take(&tier("True", 1, "2026-11-23T15:00:01Z", "main@sha1:a")));
        assert!(!recording.take(&tier("True", 2, "2026-11-23T15:00:02Z", "")));
        assert!(recording.take(&tier("True", 2, "2026-11-23T15:00:03Z", "main@sha1:a")));
        assert!(!recording.take(&tier("True", 2, "2026-11-23T15:09:00Z", "main@sha1:b")));
        let ready = &recording.ready["Kustomization/flux-system/apps"];
        assert_eq!((ready.at.to_string().as_str(), ready.revision.as_str()), ("2026-11-23T15:00:03Z", "main@sha1:a"));
    }
}
