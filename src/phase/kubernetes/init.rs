//! `kubeadm init`, unless reality says that it was done.

use engine::event::Step;
use engine::failure::Result;
use engine::host::{Attributes, Command, Host, Mode};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use kube::api::Api;
use serde_json::{Map, Value, json};

use super::kubeadm::{self, CONFIG, MARK};
use super::{ControlPlane, config};
use crate::identity::Identity;
use crate::phase::ground::Ground;
use crate::phase::play::play;
use crate::plan::NodePlan;

/// What a look at the host found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    /// An earlier init was cut short.
    Half,
    /// It was initialised; whether it runs is another matter.
    Whole,
}

/// Looks at what there is.
pub async fn look(_ground: &Ground<'_>, control: &ControlPlane, node: &NodePlan, host: &Host) -> Result<Found> {
    let mut view = host.view(Mode::Apply);
    if view.stat(MARK).await?.is_some() {
        return Ok(Found::Whole);
    }
    let begun = "test -e /etc/kubernetes/admin.conf || test -d /etc/kubernetes/manifests/ -a -n \"$(ls -A /etc/kubernetes/manifests 2>/dev/null)\" || test -d /var/lib/etcd/member";
    if !view.run_query(Command::shell(begun)).await?.success() {
        return Ok(Found::Nothing);
    }
    // The mark is written last: a run may have been cut short just before it.
    if has_addons(control, node).await {
        mark_whole(host).await?;
        return Ok(Found::Whole);
    }
    Ok(Found::Half)
}

/// Whether the API answers, knows the node, and has what init makes last.
async fn has_addons(control: &ControlPlane, node: &NodePlan) -> bool {
    let client = &control.client;
    let nodes: Api<k8s_openapi::api::core::v1::Node> = Api::all(client.clone());
    let sets: Api<DaemonSet> = Api::namespaced(client.clone(), "kube-system");
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "kube-system");
    matches!(tokio::try_join!(nodes.get(&node.name), sets.get("kube-proxy"), deployments.get("coredns")), Ok((_, _, _)))
}

/// Places what init reads, after undoing what an earlier one left.
pub async fn prepare(
    ground: &Ground<'_>,
    control: &ControlPlane,
    node: &NodePlan,
    host: &Host,
    found: Found,
    step: &Step,
) -> Result<()> {
    if found == Found::Half {
        kubeadm::reset(host, step).await?;
    }
    let Value::Object(variables) = json!({
        "authorities": authorities(ground.identity),
        "encryption_key": ground.identity.encryption.reveal(),
        "kubeadm_config": config::init(ground, node, &control.token)?,
    }) else {
        return Ok(());
    };
    play(ground, "playbooks/control-plane.yaml", node, host, variables, step).await.map(drop)
}

/// Runs it.
pub async fn run(ground: &Ground<'_>, node: &NodePlan, host: &Host, step: &Step) -> Result<()> {
    let step = step.child_of("kubeadm init", host.name(), &[]);
    // The join command that it would show has a token in it.
    let mut arguments = vec!["init", "--config", CONFIG, "--skip-phases", "show-join-command"];
    arguments.extend(kubeadm::preflight(&node.machine));
    let result = kubeadm::run(host, &arguments, ground.time(600), &step).await;
    step.conclude(result)
}

/// Writes down that init finished.
pub async fn mark_whole(host: &Host) -> Result<()> {
    let attributes = Attributes { mode: Some(0o644), ..Attributes::default() };
    host.view(Mode::Apply).write(MARK, "kubeadm finished\n", attributes).await.map(drop)
}

/// Starts the kubelet where it does not run.
pub async fn ensure_kubelet(host: &Host) -> Result<()> {
    let mut view = host.view(Mode::Apply);
    if !view.run_query(Command::argv(["systemctl", "is-active", "--quiet", "kubelet.service"])).await?.success() {
        view.run(Command::argv(["systemctl", "start", "kubelet.service"])).await?;
    }
    Ok(())
}

/// kubeadm's names of the planned authorities and keys.
fn authorities(identity: &Identity) -> Vec<Map<String, Value>> {
    let authorities = &identity.authorities;
    let files = [
        ("ca.crt", authorities.cluster.certificate.as_str()),
        ("ca.key", authorities.cluster.key.reveal()),
        ("front-proxy-ca.crt", &authorities.front_proxy.certificate),
        ("front-proxy-ca.key", authorities.front_proxy.key.reveal()),
        ("etcd/ca.crt", &authorities.etcd.certificate),
        ("etcd/ca.key", authorities.etcd.key.reveal()),
        ("sa.pub", &authorities.service_account.public),
        ("sa.key", authorities.service_account.private.reveal()),
    ];
    let entry = |(name, content): (&str, &str)| {
        Map::from_iter([("name".to_owned(), Value::from(name)), ("content".to_owned(), Value::from(content))])
    };
    files.into_iter().map(entry).collect()
}
