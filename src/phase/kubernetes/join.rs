//! `kubeadm join` of a worker.

use engine::event::Step;
use engine::failure::{Kind, Result};
use engine::host::{Change, Command, Host, Mode};
use engine::wait::{Seen, until};
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, DeleteParams};
use serde_json::{Map, Value};

use super::kubeadm::{self, CONFIG, MARK};
use super::{ControlPlane, config, diagnosis, init};
use crate::kube::{failed, patiently, transient, wait_ready};
use crate::phase::ground::Ground;
use crate::phase::play::play;
use crate::plan::NodePlan;

/// Joins a prepared host, and waits until its node is Ready. A node that joined before is only waited for.
///
/// Answers whether it joined now.
pub async fn join(
    ground: &Ground<'_>,
    node: &NodePlan,
    host: &Host,
    control: &ControlPlane,
    step: &Step,
) -> Result<bool> {
    let joined = host.view(Mode::Apply).stat(MARK).await?.is_some();
    if joined {
        init::ensure_kubelet(host).await?;
    } else {
        make_room(ground, node, host, control, step).await?;
        control.token.publish(&control.client, step, ground.patience(120)).await?;
        control.token.wait_signed(&control.client, step, ground.patience(300)).await?;
        let done = run(ground, node, host, control, step).await;
        // It holds a token, whatever became of the join.
        host.view(Mode::Apply).apply(Change::Remove { path: CONFIG.into() }).await?;
        done?;
        init::mark_whole(host).await?;
    }
    let ready = wait_ready(&control.client, step, &node.name, ground.patience(300)).await;
    diagnosis::of_node(ready, &control.client, node, host).await?;
    Ok(!joined)
}

async fn run(ground: &Ground<'_>, node: &NodePlan, host: &Host, control: &ControlPlane, step: &Step) -> Result<()> {
    let variables = [("kubeadm_config".to_owned(), Value::from(config::join(ground, node, &control.token)?))];
    play(ground, "playbooks/worker.yaml", node, host, Map::from_iter(variables), step).await?;
    let _uncut = ground.begin_uncut()?;
    let step = step.child_of("kubeadm join", host.name(), &[]);
    let mut arguments = vec!["join", "--config", CONFIG];
    arguments.extend(kubeadm::preflight(&node.machine));
    let result = kubeadm::run(host, &arguments, ground.time(600), &step).await;
    step.conclude(result)
}

/// Undoes a join that was cut short, and removes the object of a machine of the same name that is gone.
async fn make_room(
    ground: &Ground<'_>,
    node: &NodePlan,
    host: &Host,
    control: &ControlPlane,
    step: &Step,
) -> Result<()> {
    let begun = "test -e /etc/kubernetes/kubelet.conf -o -e /etc/kubernetes/bootstrap-kubelet.conf -o -e /var/lib/kubelet/config.yaml";
    if host.view(Mode::Apply).run_query(Command::shell(begun)).await?.success() {
        kubeadm::reset(host, step).await?;
    }
    let api: Api<Node> = Api::all(control.client.clone());
    let patience = ground.patience(60);
    let stale = patiently(step, "the nodes are listed", patience, async || api.get_opt(&node.name).await).await?;
    if stale.is_none() {
        return Ok(());
    }
    step.note(format!("removing the object of an earlier node {}", node.name));
    let condition = format!("the earlier node {} is gone", node.name);
    until(step, &condition, patience, Kind::Step, async || {
        match api.delete(&node.name, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(Seen::Ready(())),
            Ok(_) => Ok(Seen::NotYet("it is being deleted".into())),
            Err(error) if transient(&error) => Ok(Seen::NotYet(error.to_string())),
            Err(error) => Err(failed(&condition, &error)),
        }
    })
    .await
}
