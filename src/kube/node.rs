//! Nodes, and why one is not Ready.

use engine::event::Step;
use engine::failure::{Kind, Result};
use engine::wait::{Patience, Seen, until};
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::Api;

use super::failure::{failed, transient};

/// What a node object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeState {
    Absent,
    NotReady(String),
    /// With the kubelet's version.
    Ready(String),
}

/// Reads a node object's state.
pub fn node_state(node: Option<&Node>) -> NodeState {
    let Some(node) = node else { return NodeState::Absent };
    let status = node.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    match conditions.iter().find(|condition| condition.type_ == "Ready") {
        Some(ready) if ready.status == "True" => {
            let information = status.and_then(|status| status.node_info.as_ref());
            NodeState::Ready(information.map_or_else(String::new, |information| information.kubelet_version.clone()))
        }
        Some(ready) => {
            let message = ready.message.as_deref().filter(|message| !message.is_empty());
            NodeState::NotReady(message.or(ready.reason.as_deref()).unwrap_or("no reason is given").to_owned())
        }
        None => NodeState::NotReady("the kubelet has reported nothing yet".into()),
    }
}

/// Waits until a node is Ready; answers its kubelet's version.
pub async fn wait_ready(client: &Client, step: &Step, name: &str, patience: Patience) -> Result<String> {
    let api: Api<Node> = Api::all(client.clone());
    let condition = format!("node {name} is Ready");
    until(step, &condition, patience, Kind::Step, async || match api.get_opt(name).await {
        Ok(node) => Ok(match node_state(node.as_ref()) {
            NodeState::Absent => Seen::NotYet("its kubelet has not registered".into()),
            NodeState::NotReady(why) => Seen::NotYet(why),
            NodeState::Ready(version) => Seen::Ready(version),
        }),
        Err(error) if transient(&error) => Ok(Seen::NotYet(failed("", &error).causes.concat())),
        Err(error) => Err(failed(&condition, &error)),
    })
    .await
}
