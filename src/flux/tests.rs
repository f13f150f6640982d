//! Judging by objects as the API answers them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Finding, Object, Snapshot, State, judge};

mod verdicts;

const NEW: &str = "main@sha1:bbbb";
const OLD: &str = "main@sha1:aaaa";

/// A synced cluster: one tier, one release of it, its workload and pods.
fn cluster() -> Vec<Value> {
    let ready = |status: &str| json!([{"type": "Ready", "status": status, "reason": "R", "message": "m", "observedGeneration": 1}]);
    let meta = |namespace: &str, name: &str| json!({"namespace": namespace, "name": name, "uid": format!("{namespace}-{name}"), "generation": 1});
    let source = json!({"kind": "GitRepository", "namespace": "flux-system", "name": "flux-system"});
    vec![
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": meta("flux-system", "flux-system"),
            "spec": {"sourceRef": source}, "status": {"observedGeneration": 1, "conditions": ready("True"),
            "lastAppliedRevision": NEW, "lastAttemptedRevision": NEW,
            "inventory": {"entries": [{"id": "flux-system_apps_kustomize.toolkit.fluxcd.io_Kustomization", "v": "v1"}]}}}),
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": meta("flux-system", "apps"),
            "spec": {"sourceRef": source}, "status": {"observedGeneration": 1, "conditions": ready("True"),
            "lastAppliedRevision": NEW, "lastAttemptedRevision": NEW,
            "inventory": {"entries": [{"id": "apps_web_helm.toolkit.fluxcd.io_HelmRelease", "v": "v2"}]}}}),
        json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": meta("apps", "web"),
            "spec": {"chart": {"spec": {"chart": "./charts/web", "sourceRef": source}}},
            "status": {"observedGeneration": 1, "conditions": ready("True"), "helmChart": "flux-system/apps-web",
            "lastAttemptedRevision": "0.1.0+bbbb", "history": [{"status": "deployed"}],
            "inventory": {"entries": [{"id": "apps_web_apps_Deployment", "v": "v1"}]}}}),
        json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "HelmChart", "metadata": meta("flux-system", "apps-web"),
            "spec": {"chart": "./charts/web", "version": "*", "sourceRef": {"kind": "GitRepository", "name": "flux-system"}},
            "status": {"observedGeneration": 1, "conditions": ready("True"), "observedSourceArtifactRevision": NEW,
            "artifact": {"revision": "0.1.0+bbbb"}}}),
        json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": meta("flux-system", "flux-system"),
            "spec": {}, "status": {"observedGeneration": 1, "conditions": ready("True"), "artifact": {"revision": NEW}}}),
        json!({"apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert", "metadata": meta("apps", "alert"), "spec": {}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "apps", "name": "web", "uid": "deployment",
            "generation": 1, "annotations": {"deployment.kubernetes.io/revision": "2"}}, "spec": {"replicas": 1},
            "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}}),
        replica_set("web-old", "1"),
        replica_set("web-new", "2"),
        pod(
            "web-old-1",
            "web-old",
            &json!({"phase": "Running", "containerStatuses": [waiting("CrashLoopBackOff", "")]}),
        ),
        pod("web-new-1", "web-new", &json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})),
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "cp"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
    ]
}

fn replica_set(name: &str, revision: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"namespace": "apps", "name": name, "uid": name,
        "annotations": {"deployment.kubernetes.io/revision": revision},
        "ownerReferences": [{"kind": "Deployment", "uid": "deployment", "controller": true}]}})
}

fn pod(name: &str, owner: &str, status: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "apps", "name": name, "uid": name,
        "ownerReferences": [{"kind": "ReplicaSet", "uid": owner, "controller": true}]}, "status": status})
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"name": "web", "image": "example.com/web:1", "ready": false, "restartCount": 0,
        "state": {"waiting": {"reason": reason, "message": message}}})
}

/// Changes one object of the cluster, by kind and name.
fn with(kind: &str, name: &str, change: impl FnOnce(&mut Value)) -> Vec<Value> {
    let mut objects = cluster();
    let found = objects.iter_mut().find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    change(found.expect("an object of the cluster"));
    objects
}

/// The cluster while its newest pod is not ready.
fn with_pod(status: Value) -> Vec<Value> {
    let mut objects = with("Pod", "web-new-1", |pod| pod["status"] = status);
    for object in &mut objects {
        if object["kind"] == "Deployment" {
            object["status"]["availableReplicas"] = json!(0);
        }
        if object["metadata"]["name"] == "apps" || object["kind"] == "HelmRelease" {
            object["status"]["conditions"][0]["status"] = json!("Unknown");
        }
    }
    objects
}

fn found(objects: impl IntoIterator<Item = Value>) -> Vec<Finding> {
    let snapshot = Snapshot { objects: objects.into_iter().map(Object).collect() };
    judge(&snapshot, &BTreeSet::from(["bbbb".to_owned()]), &["cp".to_owned()])
}

/// What is not Ready, and how.
fn unready(objects: impl IntoIterator<Item = Value>) -> Vec<(String, State)> {
    let findings = found(objects).into_iter().filter(|finding| finding.state != State::Ready);
    findings.map(|finding| (finding.key.to_string(), finding.state)).collect()
}

fn one(key: &str, state: State) -> Vec<(String, State)> {
    vec![(key.to_owned(), state)]
}

#[test]
fn a_synced_cluster_is_ready_whatever_old_replica_sets_do() {
    assert_eq!(unready(cluster()), []);
}

#[test]
fn ready_of_an_older_revision_or_generation_is_not_ready() {
    let older = with("Kustomization", "apps", |object| object["status"]["lastAppliedRevision"] = json!(OLD));
    assert!(unready(older).contains(&("Kustomization/flux-system/apps".into(), State::Progressing)));
    let generation = with("HelmRelease", "web", |object| object["metadata"]["generation"] = json!(2));
    assert!(unready(generation).contains(&("HelmRelease/apps/web".into(), State::Progressing)));
    let chart = with("HelmChart", "apps-web", |object| object["status"]["observedSourceArtifactRevision"] = json!(OLD));
    assert_eq!(unready(chart), one("HelmChart/flux-system/apps-web", State::Progressing));
    let release = with("HelmRelease", "web", |object| object["status"]["history"][0]["status"] = json!("failed"));
    assert_eq!(unready(release), one("HelmRelease/apps/web", State::Progressing));
}

#[test]
fn a_source_at_a_foreign_commit_makes_nothing_ready() {
    let objects = with("GitRepository", "flux-system", |object| {
        object["status"]["artifact"]["revision"] = json!("main@sha1:cccc");
    });
    let unready = unready(objects);
    assert!(unready.contains(&("GitRepository/flux-system/flux-system".into(), State::Progressing)), "{unready:?}");
    assert!(unready.iter().all(|(_, state)| *state <= State::Progressing), "{unready:?}");
}

#[test]
fn what_was_applied_and_is_not_there_is_waited_for() {
    let objects = cluster().into_iter().filter(|object| object["kind"] != "Deployment");
    assert_eq!(unready(objects), one("Deployment/apps/web", State::Progressing));
    let nothing = cluster().into_iter().filter(|object| object["kind"] != "Kustomization");
    assert!(unready(nothing).contains(&("Kustomization/flux-system/flux-system".into(), State::Progressing)));
}

#[test]
fn a_planned_node_that_has_not_joined_is_waited_for() {
    let objects = cluster().into_iter().filter(|object| object["kind"] != "Node");
    assert_eq!(unready(objects), one("Node/cp", State::Progressing));
}

#[test]
fn permanent_and_suspected_container_states() {
    for (reason, message, state) in [
        ("InvalidImageName", "couldn't parse image", State::Permanent),
        ("ErrImagePull", "not found", State::Suspected),
        ("ImagePullBackOff", "Back-off", State::Suspected),
        ("CreateContainerConfigError", "secret \"web\" not found", State::Suspected),
        ("ContainerCreating", "", State::Progressing),
        ("PodInitializing", "", State::Progressing),
    ] {
        let status = json!({"phase": "Pending", "containerStatuses": [waiting(reason, message)]});
        let unready = unready(with_pod(status));
        assert!(unready.contains(&("Pod/apps/web-new-1".into(), state)), "{reason}: {unready:?}");
    }
    let crashed = json!({"name": "web", "ready": false, "restartCount": 2, "state": {"running": {}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}});
    let findings = found(with_pod(json!({"phase": "Running", "containerStatuses": [crashed]})));
    let pod = findings.iter().find(|finding| finding.key.kind == "Pod").unwrap();
    assert_eq!((pod.state, pod.attempt.as_str()), (State::Suspected, "2"));
}

/// Recorded while a control plane started again.
const UNREACHED: &str = "failed to get secret 'flux-system/flux-system': Get \"https://10.96.0.1:443/api/v1/namespaces/flux-system/secrets/flux-system\": dial tcp 10.96.0.1:443: connect: connection refused";

#[test]
fn flux_failures_per_kind() {
    let failing = |reason: &'static str, message: &'static str| {
        move |object: &mut Value| {
            object["status"]["conditions"] = json!([{"type": "Ready", "status": "False", "reason": reason, "message": message, "observedGeneration": 1}]);
        }
    };
    for (kind, name, reason, message, state) in [
        ("Kustomization", "apps", "BuildFailed", "yaml: line 3", State::Permanent),
        ("Kustomization", "apps", "ReconciliationFailed", "no matches for kind", State::Suspected),
        ("Kustomization", "apps", "HealthCheckFailed", "timeout waiting", State::Suspected),
        ("Kustomization", "apps", "DependencyNotReady", "dependency is not ready", State::Waiting),
        ("HelmRelease", "web", "InstallFailed", "context deadline exceeded", State::Suspected),
        ("HelmRelease", "web", "SourceNotReady", "chart is not ready", State::Waiting),
        ("HelmChart", "apps-web", "InvalidChartReference", "no such file", State::Suspected),
        ("GitRepository", "flux-system", "GitOperationFailed", "ssh: unable to authenticate", State::Permanent),
        ("GitRepository", "flux-system", "GitOperationFailed", "connection refused", State::Suspected),
        ("GitRepository", "flux-system", "AuthenticationFailed", UNREACHED, State::Progressing),
        ("GitRepository", "flux-system", "AuthenticationFailed", "failed to get secret: not found", State::Suspected),
    ] {
        let findings = found(with(kind, name, failing(reason, message)));
        let finding = findings.iter().find(|finding| finding.key.kind == kind && finding.key.name == name).unwrap();
        assert_eq!(finding.state, state, "{kind} {reason}: {finding:?}");
    }
}

#[test]
fn stalled_suspended_and_cyclic_objects_are_permanent() {
    let stalled = with("HelmRelease", "web", |object| {
        object["status"]["conditions"] =
            json!([{"type": "Stalled", "status": "True", "reason": "RetriesExceeded", "message": "m"}]);
    });
    assert_eq!(unready(stalled), one("HelmRelease/apps/web", State::Permanent));
    let suspended = with("Kustomization", "apps", |object| object["spec"]["suspend"] = json!(true));
    assert_eq!(unready(suspended), one("Kustomization/flux-system/apps", State::Permanent));
    let cycle = with("Kustomization", "apps", |object| object["spec"]["dependsOn"] = json!([{"name": "apps"}]));
    assert_eq!(unready(cycle), one("Kustomization/flux-system/apps", State::Permanent));
}

#[test]
fn a_chart_that_stalls_is_named_although_its_release_lags() {
    // A release observes its generation only once its chart is there.
    let stalled = |asked: &str| {
        let mut objects = with("HelmChart", "apps-web", |object| {
            object["status"]["conditions"] =
                json!([{"type": "Stalled", "status": "True", "reason": "InvalidChartReference", "message": "m"}]);
        });
        let release = objects.iter_mut().find(|object| object["kind"] == "HelmRelease").unwrap();
        release["metadata"]["generation"] = json!(2);
        release["spec"]["chart"]["spec"]["chart"] = json!(asked);
        unready(objects)
    };
    assert!(stalled("./charts/web").contains(&("HelmChart/flux-system/apps-web".into(), State::Permanent)));
    assert!(stalled("./charts/other").iter().all(|(_, state)| *state <= State::Progressing));
}

#[test]
fn a_failure_that_is_just_being_mended_does_not_count() {
    // The tier has begun with the mended revision and has not yet removed what failed.
    let objects = with("Kustomization", "apps", |object| {
        object["status"]["lastAppliedRevision"] = json!(OLD);
        object["status"]["conditions"] = json!([{"type": "Ready", "status": "Unknown", "reason": "Progressing", "message": "m"},
            {"type": "Reconciling", "status": "True", "reason": "Progressing", "message": "Building manifests for revision"}]);
    });
    let suspended = |mut objects: Vec<Value>| {
        let release = objects.iter_mut().find(|object| object["kind"] == "HelmRelease").unwrap();
        release["spec"]["suspend"] = json!(true);
        found(objects)
    };
    assert!(suspended(objects.clone()).iter().all(|finding| finding.state <= State::Progressing));
    // Its health checks begin when everything is applied and removed.
    let mut checking = objects;
    checking[1]["status"]["conditions"][1]["message"] = json!("Running health checks for revision");
    assert!(suspended(checking).iter().any(|finding| finding.state == State::Permanent));
}

#[test]
fn the_pods_of_a_release_that_is_still_installing_are_judged() {
    let message = "container has runAsNonRoot and image will run as root";
    let mut objects =
        with_pod(json!({"phase": "Pending", "containerStatuses": [waiting("CreateContainerConfigError", message)]}));
    for object in &mut objects {
        if object["kind"] == "HelmRelease" {
            object["status"]["inventory"] = Value::Null;
            object["status"]["history"] = Value::Null;
        }
        if object["kind"] == "Deployment" {
            object["metadata"]["labels"] =
                json!({"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "apps"});
        }
    }
    assert!(unready(objects).contains(&("Pod/apps/web-new-1".into(), State::Permanent)));
}

#[test]
fn what_never_succeeded_is_named_by_its_failure() {
    let failed = |generation: i64| {
        let objects = with("Kustomization", "apps", |object| {
            object["metadata"]["generation"] = json!(2);
            object["status"]["observedGeneration"] = json!(-1);
            object["status"]["lastAppliedRevision"] = Value::Null;
            let ready = json!({"type": "Ready", "status": "False", "reason": "ReconciliationFailed",
                "message": "ConfigMap/apps/settings dry-run failed", "observedGeneration": generation});
            object["status"]["conditions"] = json!([ready]);
        });
        unready(objects)
    };
    let key = "Kustomization/flux-system/apps".to_owned();
    assert!(failed(2).contains(&(key.clone(), State::Suspected)), "{:?}", failed(2));
    assert!(failed(1).contains(&(key, State::Progressing)), "{:?}", failed(1));
}

#[test]
fn failures_of_an_older_revision_do_not_count() {
    // The fix is pushed, the source has it, and the tier still shows the failure of before.
    let objects = with("Kustomization", "apps", |object| {
        object["status"]["lastAttemptedRevision"] = json!(OLD);
        object["status"]["conditions"] =
            json!([{"type": "Ready", "status": "False", "reason": "BuildFailed", "message": "m"}]);
    });
    let unready = unready(objects);
    assert!(unready.contains(&("Kustomization/flux-system/apps".into(), State::Progressing)), "{unready:?}");
    assert!(unready.iter().all(|(_, state)| *state <= State::Progressing), "{unready:?}");
}
