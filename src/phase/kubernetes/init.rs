//! `kubeadm init`, unless reality says that it was done.

use engine::event::Step;
use engine::failure::Result;
use engine::host::{Attributes, Command, Host, Mode};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use kube::Client;
use kube::api::Api;
use serde_json::{Map, Value, json};

use super::config;
use super::kubeadm::{self, CONFIG, MARK};
use super::token::Token;
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
pub async fn look(client: &Client, node: &NodePlan, host: &Host) -> Result<Found> {
    let mut view = host.view(Mode::Apply);
    if view.stat(MARK).await?.is_some() {
        return Ok(Found::Whole);
    }
    let begun = "test -e /etc/kubernetes/admin.conf || test -d /etc/kubernetes/manifests/ -a -n \"$(ls -A /etc/kubernetes/manifests 2>/dev/null)\" || test -d /var/lib/etcd/member";
    if !view.run_query(Command::shell(begun)).await?.success() {
        return Ok(Found::Nothing);
    }
    // The mark is written last: a run may have been cut short just before it.
    if has_addons(client, node).await {
        mark_whole(host).await?;
        return Ok(Found::Whole);
    }
    Ok(Found::Half)
}

/// Whether the API answers, knows the node, and has what init makes last.
async fn has_addons(client: &Client, node: &NodePlan) -> bool {
    let nodes: Api<k8s_openapi::api::core::v1::Node> = Api::all(client.clone());
    let sets: Api<DaemonSet> = Api::namespaced(client.clone(), "kube-system");
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "kube-system");
    matches!(tokio::try_join!(nodes.get(&node.name), sets.get("kube-proxy"), deployments.get("coredns")), Ok((_, _, _)))
}

/// Places what init reads, after undoing what an earlier one left.
pub async fn prepare(
    ground: &Ground<'_>,
    token: &Token,
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
        "kubeadm_config": config::init(ground, node, token)?,
    }) else {
        return Ok(());
    };
    play(ground, "playbooks/control-plane.yaml", node, host, variables, step).await.map(drop)
}

/// What brings an API server up: the other phases wait for it, or only load the machine until it answers.
const TO_THE_API: [&str; 2] = [
    "init",
    "--skip-phases=control-plane/controller-manager,control-plane/scheduler,wait-control-plane,upload-config,\
     upload-certs,mark-control-plane,bootstrap-token,kubelet-finalize,addon,show-join-command",
];
/// The rest, once it answers. The join command that it would show has a token in it.
const FROM_THE_API: [&str; 2] =
    ["init", "--skip-phases=preflight,certs,kubeconfig,etcd,control-plane/apiserver,kubelet-start,show-join-command"];

/// Runs its phases up to the start of etcd and the API server.
///
/// The controller manager and the scheduler come later: what asks an API server that cannot answer yet makes it start
/// later still, and on a slow machine so late that it gives up.
pub async fn start(ground: &Ground<'_>, node: &NodePlan, host: &Host, step: &Step) -> Result<()> {
    run("kubeadm init, up to the API server", &TO_THE_API, ground, node, host, step).await
}

/// Runs its other phases, and writes down that it is done.
pub async fn finish(ground: &Ground<'_>, node: &NodePlan, host: &Host, step: &Step) -> Result<()> {
    run("kubeadm init, the rest", &FROM_THE_API, ground, node, host, step).await?;
    mark_whole(host).await
}

async fn run(
    name: &str,
    phases: &[&str],
    ground: &Ground<'_>,
    node: &NodePlan,
    host: &Host,
    step: &Step,
) -> Result<()> {
    let step = step.child_of(name, host.name(), &[]);
    let mut arguments = phases.to_vec();
    arguments.extend(["--config", CONFIG]);
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
