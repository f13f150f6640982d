//! Who comes from whom, and who is at the newest revision.

use std::collections::{BTreeMap, BTreeSet};

use super::accepted_source;
use crate::flux::{Key, NAMESPACE, Object, Snapshot};

/// Deeper than any real chain; bounds one that bites its tail.
const DEEPEST: usize = 32;

/// Warnings about a pod that do not say that a container of it was tried again.
const BESIDE: [&str; 4] = ["Unhealthy", "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"];

/// The objects of a snapshot and the ties between them.
pub struct Relations<'a> {
    objects: BTreeMap<Key, &'a Object>,
    parents: BTreeMap<Key, Key>,
    children: BTreeMap<&'a str, Vec<&'a Object>>,
    /// The warnings that the API recorded about an object, by its uid.
    warnings: BTreeMap<&'a str, Vec<&'a Object>>,
    accepted: &'a BTreeSet<String>,
}

impl<'a> Relations<'a> {
    pub fn of(snapshot: &'a Snapshot, accepted: &'a BTreeSet<String>) -> Self {
        let (events, others): (Vec<&Object>, Vec<&Object>) =
            snapshot.objects.iter().partition(|object| object.kind() == "Event");
        let objects: BTreeMap<Key, &Object> = others.iter().map(|object| (object.key(), *object)).collect();
        let by_uid: BTreeMap<&str, &Object> = others.iter().map(|object| (object.uid(), *object)).collect();
        let (mut parents, mut children) = (BTreeMap::new(), BTreeMap::<&str, Vec<&Object>>::new());
        for object in &others {
            for applied in object.inventory().filter(|applied| *applied != object.key()) {
                parents.insert(applied, object.key());
            }
            // The inventory of a release is written when its action has ended; the label is there from the start.
            let release = object.text("/metadata/labels/helm.toolkit.fluxcd.io~1name");
            if !release.is_empty() && object.kind() != "HelmChart" {
                let namespace = object.text("/metadata/labels/helm.toolkit.fluxcd.io~1namespace");
                parents.entry(object.key()).or_insert_with(|| Key::new("HelmRelease", namespace, release));
            }
            if object.kind() == "HelmRelease"
                && let Some((namespace, name)) = object.text("/status/helmChart").split_once('/')
            {
                parents.insert(Key::new("HelmChart", namespace, name), object.key());
            }
            if let Some((_, uid)) = object.controller()
                && let Some(owner) = by_uid.get(uid)
            {
                parents.insert(object.key(), owner.key());
                children.entry(owner.uid()).or_default().push(object);
            }
        }
        let mut warnings = BTreeMap::<&str, Vec<&Object>>::new();
        for event in events {
            warnings.entry(event.text("/involvedObject/uid")).or_default().push(event);
        }
        Self { objects, parents, children, warnings, accepted }
    }

    pub fn get(&self, key: &Key) -> Option<&'a Object> {
        self.objects.get(key).copied()
    }

    pub fn all(&self) -> impl Iterator<Item = &'a Object> {
        self.objects.values().copied()
    }

    /// What an object controls.
    pub fn children(&self, object: &Object) -> &[&'a Object] {
        self.children.get(object.uid()).map(Vec::as_slice).unwrap_or_default()
    }

    /// The message of the newest warning of a reason about an object.
    pub fn warning(&self, object: &Object, reason: &str) -> Option<&'a str> {
        let events = self.warnings.get(object.uid())?;
        events.iter().rev().find(|event| event.text("/reason") == reason).map(|event| event.text("/message"))
    }

    /// How often warnings about an object were recorded, of the reasons that count.
    pub fn warned(&self, object: &Object, counts: impl Fn(&str) -> bool) -> i64 {
        let events = self.warnings.get(object.uid()).into_iter().flatten();
        let events = events.filter(|event| counts(event.text("/reason")));
        events.map(|event| event.number("/count").max(event.number("/series/count")).max(1)).sum()
    }

    /// The workloads that Flux applied, Flux itself, and what they all need: networks and names.
    pub fn workloads(&self) -> impl Iterator<Item = &'a Object> {
        self.all().filter(|object| {
            let kind = matches!(object.kind(), "Deployment" | "StatefulSet" | "DaemonSet" | "Job");
            let ours = || self.parents.contains_key(&object.key()) || object.namespace() == NAMESPACE;
            kind && (ours() || is_critical(object))
        })
    }

    /// Whether a kind is one that the snapshot holds.
    pub fn is_judged(key: &Key) -> bool {
        matches!(
            key.kind.as_str(),
            "Deployment"
                | "StatefulSet"
                | "DaemonSet"
                | "Kustomization"
                | "HelmRelease"
                | "GitRepository"
                | "OCIRepository"
                | "HelmRepository"
                | "Bucket"
        )
    }

    /// The objects that one comes from, the outermost first, itself last.
    pub fn chain(&self, key: &Key) -> Vec<Key> {
        let mut chain = vec![key.clone()];
        while let Some(parent) = self.parents.get(&chain[chain.len() - 1])
            && chain.len() < DEEPEST
            && !chain.contains(parent)
        {
            chain.push(parent.clone());
        }
        chain.reverse();
        chain
    }

    /// Whether everything that an object comes from has been brought to the newest revision, or is being.
    ///
    /// Until then its failures may be those of an older revision.
    pub fn parent_is_current(&self, key: &Key) -> bool {
        let chain = self.chain(key);
        let (mut parents, object) = (&chain[..chain.len() - 1], self.get(key));
        // A release observes its generation only once its chart is there, so what it asks of the chart is compared.
        if let Some((release, before)) = parents.split_last()
            && let (Some(release), Some(chart)) = (self.get(release), object)
            && chart.kind() == "HelmChart"
        {
            if !asks_for(release, chart) {
                return false;
            }
            parents = before;
        }
        parents.iter().all(|parent| self.get(parent).is_none_or(|parent| self.is_current(parent)))
    }

    fn is_current(&self, object: &Object) -> bool {
        let newest = match object.kind() {
            "Kustomization" => self.source(object),
            "HelmRelease" => self.chart(object),
            _ => return true,
        };
        object.observed()
            && newest.is_none_or(|source| accepted_source(source, self.accepted) && brought(object, source))
    }

    pub fn accepted(&self) -> &BTreeSet<String> {
        self.accepted
    }

    /// The source that a `Kustomization` or `HelmChart` names.
    pub fn source(&self, object: &Object) -> Option<&'a Object> {
        let namespace = match object.text("/spec/sourceRef/namespace") {
            "" => object.namespace(),
            namespace => namespace,
        };
        self.get(&Key::new(object.text("/spec/sourceRef/kind"), namespace, object.text("/spec/sourceRef/name")))
    }

    /// The chart that a `HelmRelease` installs.
    pub fn chart(&self, release: &Object) -> Option<&'a Object> {
        if let Some((namespace, name)) = release.text("/status/helmChart").split_once('/') {
            return self.get(&Key::new("HelmChart", namespace, name));
        }
        let namespace = match release.text("/spec/chartRef/namespace") {
            "" => release.namespace(),
            namespace => namespace,
        };
        self.get(&Key::new(release.text("/spec/chartRef/kind"), namespace, release.text("/spec/chartRef/name")))
    }

    /// Changes whenever what an object comes from is brought to another revision: what was found before is of an older one.
    pub fn epoch(&self, key: &Key) -> String {
        let chain = self.chain(key);
        let revisions = chain.iter().filter_map(|key| self.get(key)).filter(|object| object.is_flux());
        let revisions = revisions.map(|object| {
            let digest = object.text("/status/lastAttemptedConfigDigest");
            format!("{} {} {digest}", object.generation(), object.text("/status/lastAttemptedRevision"))
        });
        revisions.collect::<Vec<_>>().join(", ")
    }

    /// Changes whenever an object was tried again.
    pub fn attempt(&self, key: &Key) -> String {
        let Some(object) = self.get(key) else { return String::new() };
        if object.is_flux() {
            let failures = ["failures", "installFailures", "upgradeFailures"]
                .map(|name| object.number(&format!("/status/{name}")).to_string());
            return format!("{} {}", object.text("/status/lastHandledReconcileAt"), failures.join(" "));
        }
        let restarts: i64 = ["containerStatuses", "initContainerStatuses"]
            .iter()
            .flat_map(|list| object.list(&format!("/status/{list}")))
            .filter_map(|container| container["restartCount"].as_i64())
            .sum();
        match (restarts, self.warned(object, |reason| !BESIDE.contains(&reason))) {
            (0, 0) => String::new(),
            (restarts, 0) => restarts.to_string(),
            (restarts, warnings) => format!("{restarts} {warnings}"),
        }
    }
}

/// Whether Kubernetes calls it critical: kube-proxy, `CoreDNS`, a network's agents.
///
/// <https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/>
fn is_critical(workload: &Object) -> bool {
    matches!(workload.text("/spec/template/spec/priorityClassName"), "system-node-critical" | "system-cluster-critical")
}

/// Whether a chart is the one that its release asks for now.
fn asks_for(release: &Object, chart: &Object) -> bool {
    ["chart", "version", "sourceRef/kind", "sourceRef/name"].iter().all(|field| {
        let asked = release.text(&format!("/spec/chart/spec/{field}"));
        let has = chart.text(&format!("/spec/{field}"));
        // The API server fills in a version that is not asked for.
        asked == has || (*field == "version" && asked.is_empty() && has == "*")
    })
}

/// Whether a `Kustomization` or `HelmRelease` has applied the newest revision of its source.
fn brought(object: &Object, source: &Object) -> bool {
    let newest = source.artifact_revision();
    if object.text("/status/lastAppliedRevision") == newest {
        return true;
    }
    // The version of an OCI artifact is written in another way than its revision.
    if source.kind() == "OCIRepository" {
        return true;
    }
    let attempted = object.text("/status/lastAttemptedRevision") == newest;
    if object.kind() != "Kustomization" {
        return attempted;
    }
    // An attempt begins before anything is applied or removed, and checks health after both.
    let checking = object.condition("Reconciling").is_some_and(|now| now.message.contains("health checks"));
    let checked = object.condition("Ready").is_some_and(|ready| ready.reason == "HealthCheckFailed");
    attempted && (checking || checked)
}
