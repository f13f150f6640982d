//! What findings mean over time.

use std::time::Duration;

use serde_json::{Value, json};

use super::{cluster, found, waiting, with_pod};
use crate::flux::{Finding, Key, Memory, State, Verdict};

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
        objects.push(event("web-new-1", "Failed", count));
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

fn event(pod: &str, reason: &str, count: i64) -> Value {
    json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{pod}-{reason}"), "namespace": "apps"},
        "type": "Warning", "reason": reason, "message": "it says why", "count": count, "involvedObject": {"uid": pod}})
}

/// A pod as the kubelet tells of it after its machine's reboot, and what was warned of it.
fn rebooted(sandbox: &str, warnings: &[(&str, i64)]) -> Vec<Finding> {
    let mut objects = with_pod(json!({"phase": "Running",
        "conditions": [{"type": "PodReadyToStartContainers", "status": sandbox}, {"type": "Ready", "status": "False"}],
        "containerStatuses": [{"name": "web", "ready": false, "restartCount": 1, "state": {"running": {}},
            "lastState": {"terminated": {"exitCode": 255, "reason": "Unknown"}}}]}));
    objects.extend(warnings.iter().map(|(reason, count)| event("web-new-1", reason, *count)));
    found(objects)
}

#[test]
fn a_container_that_a_reboot_ended_is_waited_for() {
    let mut memory = Memory::default();
    for second in 0..300 {
        let findings = rebooted("True", &[("FailedMount", 1), ("Unhealthy", second)]);
        let verdict = memory.verdict(&findings, Duration::from_secs(second.unsigned_abs()));
        let Verdict::Progressing { finding, .. } = verdict else { panic!("after {second} s: {verdict:?}") };
        assert_eq!(finding.state, State::Progressing, "after {second} s");
    }
}

#[test]
fn a_mount_that_failed_once_is_waited_for_and_one_that_fails_again_is_the_cause() {
    let mut memory = Memory::default();
    for second in 0..300 {
        let findings = rebooted("False", &[("FailedMount", 1), ("Unhealthy", second)]);
        let verdict = memory.verdict(&findings, Duration::from_secs(second.unsigned_abs()));
        assert!(matches!(verdict, Verdict::Progressing { .. }), "after {second} s: {verdict:?}");
    }
    for second in 300..302 {
        let findings = rebooted("False", &[("FailedMount", second)]);
        memory.verdict(&findings, Duration::from_secs(second.unsigned_abs()));
    }
    let verdict = memory.verdict(&rebooted("False", &[("FailedMount", 302)]), Duration::from_secs(302));
    let Verdict::Permanent { finding } = verdict else { panic!("{verdict:?}") };
    assert_eq!(finding.message, "FailedMount: it says why");
}

#[test]
fn what_every_pod_needs_is_waited_for_first() {
    let agent = |available: i64| {
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"namespace": "kube-flannel", "name": "kube-flannel-ds",
            "uid": "flannel", "generation": 1}, "spec": {"template": {"spec": {"priorityClassName": "system-node-critical"}}},
            "status": {"observedGeneration": 1, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": available}})
    };
    let look = |available: i64, second: i64| {
        let mut objects = with_pod(json!({"phase": "Pending"}));
        objects.extend([agent(available), event("web-new-1", "FailedCreatePodSandBox", second)]);
        found(objects)
    };
    let mut memory = Memory::default();
    for second in 0..200 {
        let verdict = memory.verdict(&look(0, second), Duration::from_secs(second.unsigned_abs()));
        assert!(matches!(verdict, Verdict::Progressing { .. }), "after {second} s: {verdict:?}");
    }
    let verdict = memory.verdict(&look(1, 200), Duration::from_secs(200));
    assert!(matches!(verdict, Verdict::Permanent { .. }), "the network is there now: {verdict:?}");
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
