//! What there is of a cluster now: machines, nodes and every object of Flux. Reads only.

mod text;

use std::net::IpAddr;
use std::time::Duration;

use engine::failure::{Failure, Result};
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, ListParams};
use serde::Serialize;

pub use text::text;

use crate::flux::{self, ObjectStatus};
use crate::identity::Identity;
use crate::kube::{NodeState, connect, node_state, server_url};
use crate::machine::Provider;
use crate::plan::RegistryPlan;
use crate::registry::Registry;
use crate::spec::{self, Cluster, Role};
use crate::state::State;

/// The API's port.
const PORT: u16 = 6443;
/// A control plane that takes longer to answer is not healthy.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster as it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Status {
    pub cluster: String,
    /// Whether all of it is as it should be.
    pub healthy: bool,
    pub machines: Vec<MachineStatus>,
    pub nodes: Vec<NodeStatus>,
    pub objects: Vec<ObjectStatus>,
    /// None where the spec asks for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<RegistryStatus>,
    /// What is wrong, or could not be looked at; the deepest first.
    pub problems: Vec<String>,
}

/// A machine, as libvirt or the spec has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MachineStatus {
    pub node: String,
    pub role: Role,
    /// The domain's name; nothing where the machine exists by itself.
    pub domain: Option<String>,
    /// `running`, `off`, `missing` or `existing`.
    pub state: String,
    pub address: Option<IpAddr>,
}

/// A node, as Kubernetes has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    pub name: String,
    pub ready: bool,
    /// The kubelet's version where it is Ready, else why it is not.
    pub message: String,
}

/// The embedded registry, as it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegistryStatus {
    /// `ADDRESS:PORT`, as images are named.
    pub name: String,
    pub ready: bool,
    /// Why it is not.
    pub message: String,
}

/// Looks at a cluster. What cannot be looked at is a problem of the cluster, and no failure.
pub async fn status(cluster: &Cluster, state: &State) -> Result<Status> {
    let mut status = Status { cluster: cluster.name.clone(), ..Status::default() };
    let identity = Identity::load(state.directory())?;
    status.machines = machines(cluster, identity.as_ref(), &mut status.problems).await;
    let stopped = status.machines.iter().filter(|machine| !matches!(machine.state.as_str(), "running" | "existing"));
    status.problems.extend(stopped.map(|machine| format!("machine {}: {}", machine.node, machine.state)));
    match identity {
        None => status.problems.push(format!("no identity in {}: `seedbed up` makes it", state.directory().display())),
        Some(identity) => {
            if let Err(problem) = kubernetes(cluster, &identity, &mut status).await {
                status.problems.push(problem.to_string());
            }
            registry(cluster, &identity, &mut status).await;
        }
    }
    let expected = cluster.gitops.is_some();
    if expected && status.objects.is_empty() && status.problems.is_empty() {
        status.problems.push("there is no object of Flux".into());
    }
    status.healthy = status.problems.is_empty();
    Ok(status)
}

async fn machines(cluster: &Cluster, identity: Option<&Identity>, problems: &mut Vec<String>) -> Vec<MachineStatus> {
    let spec::Provider::Libvirt { uri } = &cluster.machines.provider else {
        return cluster.nodes.iter().map(existing).collect();
    };
    let looked = async {
        let provider = Provider::open(uri).await?;
        let found = provider.find(&cluster.name).await?;
        // Without the identity, a cluster of the name is what there is to look at.
        let own = |id| identity.is_none_or(|identity| identity.id == id);
        Ok::<_, Failure>(found.into_iter().find(|found| own(found.id)))
    };
    let found = looked.await.unwrap_or_else(|failure| {
        problems.push(failure.to_string());
        None
    });
    let nodes = found.map(|found| found.nodes).unwrap_or_default();
    let one = |node: &spec::Node| {
        let machine = nodes.iter().find(|machine| machine.node == node.name);
        MachineStatus {
            node: node.name.clone(),
            role: node.role,
            domain: machine.map(|machine| machine.domain.clone()),
            state: machine.map_or_else(|| "missing".into(), |machine| format!("{:?}", machine.state).to_lowercase()),
            address: machine.and_then(|machine| machine.address).map(IpAddr::V4),
        }
    };
    cluster.nodes.iter().map(one).collect()
}

fn existing(node: &spec::Node) -> MachineStatus {
    let address = node.existing.as_ref().map(|existing| existing.address);
    MachineStatus { node: node.name.clone(), role: node.role, domain: None, state: "existing".into(), address }
}

/// The address of the first control plane, as the machines tell.
fn address(status: &Status) -> Option<IpAddr> {
    status.machines.iter().find(|machine| machine.role == Role::ControlPlane)?.address
}

async fn registry(cluster: &Cluster, identity: &Identity, status: &mut Status) {
    let (Some(spec), Some(IpAddr::V4(address))) = (&cluster.registry, address(status)) else { return };
    let name = RegistryPlan::at(address, spec).name;
    let asked = async {
        let registry = Registry::new(&name, identity.registry()?)?;
        let late = || Failure::other(format!("no answer within {} s", PATIENCE.as_secs()));
        let answer = tokio::time::timeout(PATIENCE, registry.ping()).await.map_err(|_| late())?;
        answer.map_err(|trouble| Failure::other(trouble.to_string()))
    };
    let message = asked.await.err().map(|failure| failure.to_string()).unwrap_or_default();
    if !message.is_empty() {
        status.problems.push(format!("registry {name}: {message}"));
    }
    status.registry = Some(RegistryStatus { name, ready: message.is_empty(), message });
}

async fn kubernetes(cluster: &Cluster, identity: &Identity, status: &mut Status) -> Result<()> {
    let Some(address) = address(status) else {
        return Err(Failure::refused("the address of the control plane is not known"));
    };
    let server = server_url(address, PORT);
    let client = connect(identity, &server)?;
    let late = |_| Failure::other(format!("the API at {server} did not answer within {} s", PATIENCE.as_secs()));
    let nodes: Api<Node> = Api::all(client.clone());
    let listed = tokio::time::timeout(PATIENCE, nodes.list(&ListParams::default())).await.map_err(late)?;
    let listed = listed.map_err(|error| crate::kube::failed(format!("the API at {server}"), &error))?;
    for node in &cluster.nodes {
        let found = listed.items.iter().find(|found| found.metadata.name.as_deref() == Some(&node.name));
        let (ready, message) = match node_state(found) {
            NodeState::Ready(version) => (true, version),
            NodeState::NotReady(why) => (false, why),
            NodeState::Absent => (false, "is not in the cluster".into()),
        };
        if !ready {
            status.problems.push(format!("node {}: {message}", node.name));
        }
        status.nodes.push(NodeStatus { name: node.name.clone(), ready, message });
    }
    if cluster.gitops.is_some() {
        status.objects = tokio::time::timeout(PATIENCE, flux::status(&client)).await.map_err(late)??;
    }
    let waiting = status.objects.iter().filter(|object| !object.ready);
    let told = waiting.map(|object| {
        let why = if object.suspended { "suspended" } else { object.message.as_str() };
        format!("{}: {why}", object.key)
    });
    status.problems.extend(told);
    Ok(())
}
