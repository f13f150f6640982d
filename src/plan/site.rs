//! What was read from the workstation and the provider before planning.

use ipnet::Ipv4Net;
use serde::Serialize;

/// The ground that the cluster will stand on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Site {
    pub kvm: Kvm,
    pub cpus: u32,
    /// Bytes.
    pub memory_free: u64,
    /// The ranges that the workstation has routes to, without those of this cluster's own network.
    pub routes: Vec<Ipv4Net>,
    /// The ranges of libvirt networks, without this cluster's own.
    pub networks: Vec<Ipv4Net>,
    /// The range of this cluster's own network, if it exists.
    pub own_network: Option<Ipv4Net>,
    /// The bridge of this cluster's own network, if it exists.
    pub own_bridge: Option<String>,
    /// Names of bridges in use.
    pub bridges: Vec<String>,
}

/// Whether KVM runs a stock kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "why", rename_all = "kebab-case")]
pub enum Kvm {
    Works,
    #[default]
    Absent,
    /// It opens, and a stock kernel does not run.
    Broken(String),
}
