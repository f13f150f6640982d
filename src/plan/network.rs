//! The machine network.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::Serialize;

/// The network that the machines are in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkPlan {
    /// The libvirt network's name; none on an existing bridge.
    pub name: Option<String>,
    /// The bridge: ours, or the existing one.
    pub bridge: String,
    pub range: Ipv4Net,
    /// The workstation's address in it.
    pub gateway: Ipv4Addr,
    /// First and last address of the dynamic range, which no node has.
    pub dynamic: (Ipv4Addr, Ipv4Addr),
    /// First and last address kept for load balancers.
    pub load_balancer: (Ipv4Addr, Ipv4Addr),
}
