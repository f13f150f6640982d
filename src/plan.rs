//! The plan: everything that can be known before the first machine boots.
//!
//! [`make`] is pure. [`Site`] is what was read from the workstation and the provider;
//! [`PublicIdentity`] is the public side of the random part.

mod compare;
mod extras;
mod fingerprint;
mod identity;
mod inputs;
mod make;
mod network;
mod node;
mod range;
mod registry;
mod site;
mod text;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

pub use compare::{Change, compare, compare_inputs, refuse_rebuild};
pub use extras::{Extras, Override};
pub use identity::PublicIdentity;
pub use inputs::{Inputs, Record};
pub use make::{USER, make};
pub use network::NetworkPlan;
pub use node::{MachinePlan, NodePlan};
pub use range::usual_range;
pub use registry::RegistryPlan;
pub use site::{Kvm, Site};
pub use text::text;

use crate::spec::{Cni, Gitops};

/// What `up` makes and does.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    pub cluster: String,
    /// Made once; carried by every object of the cluster.
    pub id: uuid::Uuid,
    /// The sha256 of the spec's meaning, in hexadecimal.
    pub spec_hash: String,
    /// The spec's absolute path. No part of what is compared: a directory may be moved.
    #[serde(skip)]
    pub spec_file: PathBuf,
    pub pace: Pace,
    /// The libvirt connection URI; none where all machines exist.
    pub uri: Option<String>,
    /// The machine image.
    pub image: String,
    /// None where all machines exist.
    pub network: Option<NetworkPlan>,
    /// The control plane is first.
    pub nodes: Vec<NodePlan>,
    pub kubernetes: KubernetesPlan,
    pub gitops: Option<GitopsPlan>,
    /// None where the cluster has no registry of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<RegistryPlan>,
    /// The public keys that may log in, in OpenSSH format, the generated one first.
    pub authorized_keys: Vec<String>,
}

/// How fast the machines are, and so which settings they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// KVM, or machines that exist.
    Native,
    /// Emulated: the slow-machine settings.
    Emulated,
}

#[derive(Clone, Debug, Serialize)]
pub struct KubernetesPlan {
    /// Without a leading `v`.
    pub version: String,
    /// The planned name of the API, in /etc/hosts and in the certificates.
    pub endpoint: String,
    /// The address of the first control plane.
    pub address: Ipv4Addr,
    pub port: u16,
    pub pod_network: Ipv4Net,
    pub service_network: Ipv4Net,
    /// The tenth address of the service network.
    pub dns: Ipv4Addr,
    pub cni: Cni,
    pub kubeadm: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Debug, Serialize)]
pub struct GitopsPlan {
    #[serde(flatten)]
    pub spec: Gitops,
    /// What Flux and `git push` use.
    pub url: String,
    /// Whether the repository lies on the first control plane.
    pub embedded: bool,
}

impl Plan {
    /// The first control plane; the spec is refused without one.
    pub fn first_control_plane(&self) -> &NodePlan {
        &self.nodes[0]
    }

    pub fn node(&self, name: &str) -> Option<&NodePlan> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Whether pods must run on the control plane.
    pub fn single(&self) -> bool {
        self.nodes.iter().all(|node| node.role == crate::spec::Role::ControlPlane)
    }
}

#[cfg(test)]
mod tests;
