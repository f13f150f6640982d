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
use super::provision::import_rest;
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
    let client = kube::connect(ground.identity, server)?;
    let token = Token::make(step);
    let look = init::look(&client, node, host).await?;
    let mut begun = None;
    if look == init::Found::Whole {
        init::ensure_kubelet(host).await?;
    } else {
        init::prepare(ground, &token, node, host, look, step).await?;
        begun = Some(ground.begin_uncut()?);
        init::start(ground, node, host, step).await?;
    }
    let waiting = step.child("the API answers");
    let control = ControlPlane { client, token, answered: waiting.id() };
    let waited = diagnosis::wait_api(&control.client, &waiting, ground.patience(300)).await;
    waiting.conclude_as(diagnosis::enrich(waited, host).await, |()| false)?;
    answers(control.clone());
    let finish = async {
        // Until kubeadm is done; then another path's failure may end this one.
        let _begun = begun;
        import_rest(ground, node, host, step).await?;
        if look == init::Found::Whole { Ok(()) } else { init::finish(ground, node, host, step).await }
    };
    let network = async {
        let applied = cni::apply(ground, &control.client, step).await;
        if applied.is_err() {
            ground.uncut.none().await;
        }
        applied
    };
    tokio::try_join!(finish, network)?;
    settle::settle(ground, &control, node, step).await?;
    let ready = kube::wait_ready(&control.client, step, &node.name, ground.patience(300)).await;
    diagnosis::of_node(ready, &control.client, node, host).await?;
    Ok(control)
}

/// Forgets the join token, after the last join.
pub async fn end_joining(ground: &Ground<'_>, control: &ControlPlane, step: &Step) -> Result<()> {
    control.token.forget(&control.client, step, ground.patience(60)).await
}
