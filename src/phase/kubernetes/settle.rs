//! What kubeadm leaves otherwise than a small or slow cluster needs it.

use engine::event::Step;
use engine::failure::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use super::ControlPlane;
use crate::kube::patiently;
use crate::phase::ground::Ground;
use crate::plan::NodePlan;

/// kubeadm's label that keeps load balancers away; on a cluster of one node `MetalLB` would announce nothing, silently.
const NO_BALANCERS: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// Makes it so; a second time it only looks.
pub async fn settle(ground: &Ground<'_>, control: &ControlPlane, node: &NodePlan, step: &Step) -> Result<()> {
    if ground.plan.single() {
        allow_balancers(ground, control, node, step).await?;
        // Nobody joins.
        control.token.forget(&control.client, step, ground.patience(60)).await?;
    }
    if ground.emulated() { one_dns(ground, control, step).await } else { Ok(()) }
}

async fn allow_balancers(ground: &Ground<'_>, control: &ControlPlane, node: &NodePlan, step: &Step) -> Result<()> {
    let api: Api<Node> = Api::all(control.client.clone());
    let patch = Patch::Merge(json!({"metadata": {"labels": {NO_BALANCERS: null}}}));
    patiently(step, "the node carries load balancers", ground.patience(60), async || {
        match api.get(&node.name).await?.metadata.labels {
            Some(labels) if labels.contains_key(NO_BALANCERS) => {
                api.patch_metadata(&node.name, &PatchParams::default(), &patch).await.map(drop)
            }
            _ => Ok(()),
        }
    })
    .await
}

/// One replica of `CoreDNS` is load enough for an emulated node.
async fn one_dns(ground: &Ground<'_>, control: &ControlPlane, step: &Step) -> Result<()> {
    let api: Api<Deployment> = Api::namespaced(control.client.clone(), "kube-system");
    let patch = Patch::Merge(json!({"spec": {"replicas": 1}}));
    patiently(step, "CoreDNS has one replica", ground.patience(60), async || {
        match api.get("coredns").await?.spec.and_then(|spec| spec.replicas) {
            Some(1) => Ok(()),
            _ => api.patch("coredns", &PatchParams::default(), &patch).await.map(drop),
        }
    })
    .await
}
