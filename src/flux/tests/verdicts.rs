//! What findings mean over time.

use std::time::Duration;

use serde_json::json;

use super::{cluster, found, waiting, with_pod};
use crate::flux::{Key, Memory, Verdict};

#[test]
fn a_root_image_under_run_as_non_root_is_permanent_with_its_chain() {
    let message = "container has runAsNonRoot and image will run as root (pod: \"web\", container: web)";
    let status = json!({"phase": "Pending", "containerStatuses": [waiting("CreateContainerConfigError", message)]});
    let findings = found(with_pod(status));
    let mut memory = Memory::default();
    memory.verdict(&findings, Duration::ZERO);
    let Verdict::Permanent { finding } = memory.verdict(&findings, Duration::from_secs(25)) else { panic!() };
    assert_eq!(finding.container.as_deref(), Some("web"));
    let chain: Vec<String> = finding.chain.iter().map(ToString::to_string).collect();
    assert_eq!(
        chain,
        [
            "Kustomization/flux-system/flux-system",
            "Kustomization/flux-system/apps",
            "HelmRelease/apps/web",
            "Deployment/apps/web",
            "ReplicaSet/apps/web-new",
            "Pod/apps/web-new-1",
        ]
    );
    assert!(finding.message.contains("runAsNonRoot"));
}

#[test]
fn a_pod_that_fits_nowhere_waits_for_nodes_that_are_to_come() {
    let status = json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}]});
    let findings = found(with_pod(status).into_iter().filter(|object| object["kind"] != "Node"));
    let mut memory = Memory::default();
    for second in 0..300 {
        let verdict = memory.verdict(&findings, Duration::from_secs(second));
        assert!(matches!(verdict, Verdict::Progressing { .. }), "after {second} s: {verdict:?}");
    }
}

#[test]
fn a_suspicion_becomes_permanent_when_it_stands_and_was_tried_again() {
    let status = |count: i64| {
        let mut objects =
            with_pod(json!({"phase": "Pending", "containerStatuses": [waiting("ImagePullBackOff", "Back-off")]}));
        objects.push(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "apps"}, "type": "Warning",
            "reason": "Failed", "count": count, "involvedObject": {"uid": "web-new-1"}}));
        found(objects)
    };
    let mut memory = Memory::default();
    let progressing = |verdict: Verdict| matches!(verdict, Verdict::Progressing { .. });
    assert!(progressing(memory.verdict(&status(1), Duration::from_secs(0))));
    assert!(progressing(memory.verdict(&status(2), Duration::from_secs(12))));
    assert!(progressing(memory.verdict(&status(2), Duration::from_secs(50))), "one retry is not enough");
    let Verdict::Permanent { finding } = memory.verdict(&status(3), Duration::from_secs(55)) else { panic!() };
    assert_eq!(finding.key, Key::new("Pod", "apps", "web-new-1"));
}

#[test]
fn a_suspicion_that_heals_or_may_heal_is_no_failure() {
    let suspect = json!({"phase": "Running", "containerStatuses": [
        {"name": "web", "ready": false, "restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
         "lastState": {"terminated": {"exitCode": 1}}}]});
    // Another tier still progresses: it may bring what the pod misses.
    let mut objects = with_pod(suspect);
    objects.push(json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"namespace": "flux-system", "name": "database", "generation": 1},
        "spec": {"sourceRef": {"kind": "GitRepository", "name": "flux-system"}},
        "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "Unknown", "message": "health checks"}]}}));
    let findings = found(objects);
    let mut memory = Memory::default();
    for second in 0..200 {
        assert!(matches!(memory.verdict(&findings, Duration::from_secs(second)), Verdict::Progressing { .. }));
    }
    assert_eq!(memory.verdict(&found(cluster()), Duration::from_secs(200)), Verdict::Ready);
    // Once that is Ready the memory starts anew.
    assert!(memory.to_retry().next().is_none());
}
