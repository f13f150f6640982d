//! Makes hosts the nodes of one Kubernetes cluster: kubeadm, the CNI, and Ready.

pub mod cni;
pub mod config;
mod diagnosis;
mod init;
mod join;
mod kubeadm;
mod settle;
mod token;

use engine::event::{Step, StepId};
use engine::failure::Result;
use engine::host::Host;

pub use diagnosis::LOOK;
pub use join::join;
pub use token::Token;

use super::ground::Ground;
use crate::kube;
use crate::plan::NodePlan;

/// A control plane whose API answers.
#[derive(Clone)]
pub struct ControlPlane {
    pub client: ::kube::Client,
    pub token: Token,
    /// The wait that ended when it answered.
    pub answered: StepId,
}

/// Brings the first control plane up and its node to Ready; finds it so the second time.
///
/// `server` is the API's URL as the workstation reaches it. `answers` is called as soon as the API answers, long before
/// kubeadm is done: others may apply what they have.
pub async fn control_plane(
    ground: &Ground<'_>,
    node: &NodePlan,
    host: &Host,
    server: &str,
    answers: impl FnOnce(ControlPlane),
    step: &Step,
) -> Result<ControlPlane> {
    let waiting = step.child("the API answers");
    let client = kube::connect(ground.identity, server)?;
    let control = ControlPlane { client, token: Token::make(step), answered: waiting.id() };
    let found = init::look(ground, &control, node, host).await?;
    let announce = async {
        let (client, patience) = (&control.client, ground.patience(300));
        let waited = diagnosis::wait_api(client, &waiting, patience).await;
        waiting.conclude_as(waited, |()| false)?;
        answers(control.clone());
        cni::apply(ground, client, step).await
    };
    match found {
        init::Found::Whole => {
            init::ensure_kubelet(host).await?;
            let waited = announce.await;
            diagnosis::enrich(waited, host).await?;
        }
        found => {
            init::prepare(ground, &control, node, host, found, step).await?;
            // The first failure counts: without kubeadm the API never answers.
            tokio::try_join!(init::run(ground, node, host, step), announce)?;
            init::mark_whole(host).await?;
        }
    }
    settle::settle(ground, &control, node, step).await?;
    let ready = kube::wait_ready(&control.client, step, &node.name, ground.patience(300)).await;
    diagnosis::of_node(ready, &control.client, node, host).await?;
    Ok(control)
}

/// Forgets the join token, after the last join.
pub async fn end_joining(ground: &Ground<'_>, control: &ControlPlane, step: &Step) -> Result<()> {
    control.token.forget(&control.client, step, ground.patience(60)).await
}
