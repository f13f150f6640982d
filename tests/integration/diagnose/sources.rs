//! What a diagnosis gathers, with secrets planted in it.

use std::path::Path;

use engine::event::{Event, EventKind, StepId};
use k8s_openapi::api::core::v1::{Event as ClusterEvent, Node, Pod, Secret};
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use seedbed::flux::{NAME, NAMESPACE};
use serde_json::json;

use crate::support::flux::World;
use crate::support::planted::{IN_CLUSTER, Planted};

/// Stands in every source beside what may not be found.
pub const MARK: &str = "a harmless line of";

/// Plants secrets in objects of every kind that is gathered.
pub async fn plant(world: &World, planted: &Planted) {
    let client = &world.server.client;
    let create = PostParams::default();
    let named = |name: &str| json!({"name": name, "namespace": "default", "annotations": {"planted": planted.text, "mark": MARK}});
    let secret = json!({"metadata": {"name": "planted"}, "stringData": {"words": IN_CLUSTER}});
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "default");
    secrets.create(&create, &serde_json::from_value(secret).unwrap()).await.unwrap();
    let nodes: Api<Node> = Api::all(client.clone());
    let mut node = json!({"metadata": named("cp")});
    node["metadata"]["namespace"].take();
    nodes.create(&create, &serde_json::from_value(node).unwrap()).await.unwrap();
    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}});
    nodes.patch_status("cp", &PatchParams::default(), &Patch::Merge(ready)).await.unwrap();
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let pod = json!({"metadata": named("planted"), "spec": {"containers": [{
        "name": "main", "image": "example.org/x:1", "args": [planted.text],
        "env": [{"name": "DB_PASSWORD", "value": "only its name tells"}],
    }]}});
    pods.create(&create, &serde_json::from_value(pod).unwrap()).await.unwrap();
    let events: Api<ClusterEvent> = Api::namespaced(client.clone(), "default");
    for (number, text) in planted.parts.iter().enumerate() {
        // The API takes no message of more than a kibibyte.
        let text = &text[..text.len().min(900)];
        let event = json!({
            "metadata": named(&format!("planted.{number}")), "type": "Warning", "reason": "Planted",
            "involvedObject": {"kind": "Pod", "namespace": "default", "name": "planted"},
            "message": format!("{MARK} events\n{text}"), "lastTimestamp": "2026-11-23T12:00:00Z",
        });
        events.create(&create, &serde_json::from_value(event).unwrap()).await.unwrap();
    }
    let kind = GroupVersionKind::gvk("kustomize.toolkit.fluxcd.io", "v1", "Kustomization");
    let tiers: Api<DynamicObject> = Api::namespaced_with(client.clone(), NAMESPACE, &ApiResource::from_gvk(&kind));
    let patch = json!({"metadata": {"annotations": {"planted": planted.text, "mark": MARK}}});
    let patched = tiers.patch(NAME, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    let stalled = json!({"status": {"observedGeneration": patched.metadata.generation, "conditions": [{
        "type": "Stalled", "status": "True", "reason": "ArtifactFailed", "message": "kustomization path not found",
        "observedGeneration": patched.metadata.generation, "lastTransitionTime": "2026-11-23T12:00:00Z",
    }]}});
    tiers.patch_status(NAME, &PatchParams::default(), &Patch::Merge(stalled)).await.unwrap();
}

/// A journal of a seedbed that masked nothing.
pub fn journal(directory: &Path, planted: &Planted) {
    std::fs::create_dir_all(directory).unwrap();
    let kinds = [
        EventKind::Started { name: "up".into(), subject: Some("demo".into()), parent: None, after: Vec::new() },
        EventKind::Note { text: format!("{MARK} the journal\n{}", planted.text) },
        EventKind::Started { name: "kubeadm init".into(), subject: Some("cp".into()), parent: None, after: Vec::new() },
        EventKind::Output { text: format!("{MARK} kubeadm\n{}", planted.text) },
    ];
    let event = |(number, kind): (u64, EventKind)| Event {
        version: 1,
        at: jiff::Timestamp::UNIX_EPOCH,
        step: StepId(number / 2),
        kind,
    };
    let lines = (0..).zip(kinds).map(event).map(|event| serde_json::to_string(&event).unwrap() + "\n");
    std::fs::write(directory.join("2026-11-23T12-00-00.000Z.jsonl"), lines.collect::<String>()).unwrap();
}
