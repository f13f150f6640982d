//! One controller's objects, as `flux install` would make them, and tuned for a fast first sync.

use engine::failure::Result;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::manifests::Controller;
use super::{NAMESPACE, Sync};
use crate::kube::object;
use crate::plan::Pace;

const EVENTS: &str = "--events-addr=http://notification-controller.flux-system.svc.cluster.local./";

pub(super) fn namespace() -> Result<DynamicObject> {
    object(json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {
            "pod-security.kubernetes.io/warn": "restricted",
            "pod-security.kubernetes.io/warn-version": "latest",
        }},
    }))
}

pub(super) fn account(name: &str) -> Result<DynamicObject> {
    object(json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/component": name}},
    }))
}

/// Completes a Deployment or Service of a controller.
pub(super) fn tune(object: &mut DynamicObject, controller: &Controller, sync: &Sync) {
    let labels = object.metadata.labels.get_or_insert_default();
    labels.insert("app.kubernetes.io/component".into(), controller.name.clone());
    labels.insert("app.kubernetes.io/version".into(), controller.version.clone());
    match object.types.as_ref().map(|types| types.kind.as_str()) {
        Some("Deployment") => tune_deployment(&mut object.data["spec"], controller, sync),
        // The Git host's hook calls it by an address that is known before anything exists.
        Some("Service") if object.metadata.name.as_deref() == Some("webhook-receiver") => {
            if let Some(address) = sync.webhook {
                object.data["spec"]["clusterIP"] = json!(address);
            }
        }
        _ => {}
    }
}

fn tune_deployment(spec: &mut Value, controller: &Controller, sync: &Sync) {
    let template = &mut spec["template"];
    for (name, value) in [
        ("app.kubernetes.io/component", controller.name.as_str()),
        ("app.kubernetes.io/part-of", "flux"),
        ("app.kubernetes.io/instance", NAMESPACE),
        ("app.kubernetes.io/version", controller.version.as_str()),
    ] {
        template["metadata"]["labels"][name] = json!(value);
    }
    let pod = &mut template["spec"];
    pod["serviceAccountName"] = json!(controller.name);
    pod["priorityClassName"] = json!("system-cluster-critical");
    let container = &mut pod["containers"][0];
    container["image"] = json!(controller.image);
    container["imagePullPolicy"] = json!("IfNotPresent");
    if let Some(arguments) = container["args"].as_array_mut() {
        tune_arguments(arguments, &controller.name, sync.pace);
    }
    if let Some(environment) = container["env"].as_array_mut() {
        environment.push(json!({"name": "GOMEMLIMIT", "valueFrom": {
            "resourceFieldRef": {"containerName": "manager", "resource": "limits.memory"}
        }}));
        environment.push(variable("KUBERNETES_SERVICE_HOST", &sync.api.ip().to_string()));
        environment.push(variable("KUBERNETES_SERVICE_PORT", &sync.api.port().to_string()));
        if sync.pace == Pace::Emulated {
            environment.push(variable("GOGC", "400"));
        }
    }
    if sync.pace == Pace::Emulated {
        relax(container);
    }
}

fn variable(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

fn tune_arguments(arguments: &mut Vec<Value>, name: &str, pace: Pace) {
    if pace == Pace::Emulated {
        // A renewal that comes late restarts the controller, which loads the machine more.
        for argument in arguments.iter_mut().filter(|argument| *argument == "--enable-leader-election") {
            *argument = json!("--enable-leader-election=false");
        }
    }
    if name != "notification-controller" {
        arguments.insert(0, json!(EVENTS));
    }
    arguments.extend(quick(name).iter().map(|argument| json!(argument)));
}

/// What makes a controller follow quickly, wherever it runs.
pub fn quick(controller: &str) -> &'static [&'static str] {
    match controller {
        "notification-controller" => &[],
        // The default is 30 s for each tier; and a commit that mends what failed waits for the failed one's timeout.
        "kustomize-controller" => &["--requeue-dependency=5s", "--feature-gates=CancelHealthCheckOnNewRevision=true"],
        _ => &["--requeue-dependency=5s"],
    }
}

/// Has Kustomizations that decrypt and name no Secret take this one.
pub(super) fn decrypt(object: &mut DynamicObject, secret: &str) {
    let is_deployment = object.types.as_ref().is_some_and(|types| types.kind == "Deployment");
    if is_deployment && object.metadata.name.as_deref() == Some("kustomize-controller") {
        let arguments = &mut object.data["spec"]["template"]["spec"]["containers"][0]["args"];
        if let Some(arguments) = arguments.as_array_mut() {
            arguments.push(json!(format!("--sops-age-secret={secret}")));
        }
    }
}

/// Lets a slow machine be slow: default probes of 1 s fail on it, and a CPU limit only makes it slower.
fn relax(container: &mut Value) {
    for (probe, timeout, failures) in [("livenessProbe", 60, 30), ("readinessProbe", 30, 30)] {
        if container[probe].is_object() {
            container[probe]["timeoutSeconds"] = json!(timeout);
            container[probe]["failureThreshold"] = json!(failures);
        }
    }
    if let Some(limits) = container["resources"]["limits"].as_object_mut() {
        limits.remove("cpu");
    }
}
