//! Whose an object is: what seedbed writes into the `<metadata>` of domains and networks.
//!
//! Pools and volumes cannot carry any (libvirt drops it silently), so a cluster's pool is known by
//! its name and by a UUID that derives from the cluster's id.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;
use libvirt_protocol::{Domain, DomainState, Network};
use roxmltree::Document;
use uuid::Uuid;

use super::xml::{Element, element};
use crate::plan::{NodePlan, Plan};
use crate::spec::Role;

/// The namespace of the metadata. Its version is part of it.
pub const NAMESPACE: &str = "https://seedbed.dev/xmlns/1";

/// A cluster, as its objects tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFound {
    pub id: Uuid,
    pub name: String,
    /// The spec that it was made from; none for objects of earlier versions.
    pub file: Option<PathBuf>,
    pub network: Option<NetworkFound>,
    /// The control plane first, then by name.
    pub nodes: Vec<NodeFound>,
}

impl ClusterFound {
    /// Whether it was made from the specs of a directory, as far as it tells.
    /// An earlier version's objects say nothing.
    pub fn is_of(&self, directory: &Path) -> bool {
        self.file.as_deref().is_none_or(|file| made_in(file, directory))
    }
}

/// Whether a spec lies in a directory. One that was renamed beside its state directory is the same.
pub fn made_in(file: &Path, directory: &Path) -> bool {
    file.parent().is_some_and(|made| real(made) == real(directory))
}

/// A path by which a directory is known again, wherever it is named from.
pub fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or(path.to_owned())
}

/// The network of a cluster, as it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkFound {
    pub name: String,
    pub range: Option<Ipv4Net>,
    pub bridge: Option<String>,
    pub active: bool,
}

/// A machine of a cluster, as its domain tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFound {
    pub node: String,
    pub role: Role,
    pub domain: String,
    pub uuid: Uuid,
    pub address: Option<Ipv4Addr>,
    /// The public host key, in OpenSSH format.
    pub host_key: String,
    pub spec_hash: String,
    pub state: DomainState,
}

/// The metadata of a network.
pub fn of_network(plan: &Plan, range: Ipv4Net) -> Element {
    let mark = mark("seedbed:network", plan).set("range", range);
    element("metadata").with(mark)
}

/// The metadata of a domain.
pub fn of_domain(plan: &Plan, node: &NodePlan) -> Element {
    let mark = mark("seedbed:machine", plan)
        .set("node", &node.name)
        .set("role", role_name(node.role))
        .set("address", node.address)
        .set("host-key", &node.host_key);
    element("metadata").with(mark)
}

fn mark(name: &'static str, plan: &Plan) -> Element {
    element(name)
        .set("xmlns:seedbed", NAMESPACE)
        .set("cluster", &plan.cluster)
        .set("id", plan.id)
        .set("spec", &plan.spec_hash)
        .set("file", plan.spec_file.display())
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::ControlPlane => "control-plane",
        Role::Worker => "worker",
    }
}

/// What a mark says: the cluster's id and name, and the spec that it was made from.
pub struct Mark {
    pub id: Uuid,
    pub cluster: String,
    pub file: Option<PathBuf>,
}

/// Reads the mark of a network or a domain; none if it is not seedbed's.
pub fn mark_of(xml: &str) -> Option<Mark> {
    let document = Document::parse(xml).ok()?;
    let mark = find(&document)?;
    let file = mark.attribute("file").filter(|file| !file.is_empty()).map(PathBuf::from);
    Some(Mark { id: mark.attribute("id")?.parse().ok()?, cluster: mark.attribute("cluster")?.to_owned(), file })
}

/// Only a mark directly under the object's own `<metadata>` counts.
fn find<'a>(document: &'a Document<'_>) -> Option<roxmltree::Node<'a, 'a>> {
    let metadata = document.root_element().children().find(|node| node.has_tag_name("metadata"))?;
    metadata.children().find(|node| node.tag_name().namespace() == Some(NAMESPACE))
}

/// Reads the machine that a domain is, with its cluster's id and name; none if it is not seedbed's.
pub fn machine(domain: &Domain) -> Option<(Mark, NodeFound)> {
    let mark = mark_of(&domain.xml)?;
    let document = Document::parse(&domain.xml).ok()?;
    let element = find(&document)?;
    let text = |name| element.attribute(name).unwrap_or_default().to_owned();
    let found = NodeFound {
        node: text("node"),
        role: if text("role") == role_name(Role::ControlPlane) { Role::ControlPlane } else { Role::Worker },
        domain: domain.name.clone(),
        uuid: domain.uuid.parse().ok()?,
        address: text("address").parse().ok(),
        host_key: text("host-key"),
        spec_hash: text("spec"),
        state: domain.state,
    };
    Some((mark, found))
}

/// Reads the network that a cluster has, with the cluster's id and name; none if it is not seedbed's.
pub fn network(network: &Network) -> Option<(Mark, NetworkFound)> {
    let mark = mark_of(&network.xml)?;
    let document = Document::parse(&network.xml).ok()?;
    let range = find(&document)?.attribute("range").and_then(|range| range.parse().ok());
    let found =
        NetworkFound { name: network.name.clone(), range, bridge: network.bridge.clone(), active: network.active };
    Some((mark, found))
}

/// The name of a cluster's own pool.
pub fn pool_name(cluster: &str, id: Uuid) -> String {
    format!("seedbed-{cluster}-{}", &id.simple().to_string()[..8])
}

/// The UUID of a cluster's own pool, by which it is told from one that only has its name.
pub fn pool_uuid(id: Uuid) -> Uuid {
    Uuid::new_v5(&id, b"pool")
}

/// The UUID of a cluster's own network.
pub fn network_uuid(id: Uuid) -> Uuid {
    Uuid::new_v5(&id, b"network")
}
