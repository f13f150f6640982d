//! Chooses the machine network and the addresses in it.
//!
//! Offsets from the network's address: 1 the gateway, 10 and up the nodes in the spec's order,
//! 200 to 219 the dynamic range, 220 to 250 load balancers.

use std::net::Ipv4Addr;

use engine::digest::hexadecimal;
use engine::failure::Failure;
use ipnet::Ipv4Net;

use super::fingerprint::hash;
use super::{NetworkPlan, Site};
use crate::spec::{Cluster, Network};

pub const FIRST_NODE: u32 = 10;
const GATEWAY: u32 = 1;
const DYNAMIC: (u32, u32) = (200, 219);
const LOAD_BALANCER: (u32, u32) = (220, 250);

/// The longest name of a Linux network interface.
const INTERFACE: usize = 15;

/// The address at an offset from a range's first.
pub fn address(range: Ipv4Net, offset: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(range.network()).saturating_add(offset))
}

pub fn network(cluster: &Cluster, site: &Site) -> Result<NetworkPlan, Failure> {
    let (name, bridge, range) = match &cluster.machines.network {
        Network::Bridge { name, addresses } => (None, name.clone(), *addresses),
        Network::Range(range) => (Some(()), bridge(cluster, site), given(*range, site)?),
        Network::Auto => (Some(()), bridge(cluster, site), chosen(cluster, site)?),
    };
    let pair = |(first, last)| (address(range, first), address(range, last));
    Ok(NetworkPlan {
        name: name.map(|()| format!("seedbed-{}", cluster.name)),
        bridge,
        range,
        gateway: address(range, GATEWAY),
        dynamic: pair(DYNAMIC),
        load_balancer: pair(LOAD_BALANCER),
    })
}

/// The range that the spec gives, unless something else has it. What is ours already is not asked again.
fn given(range: Ipv4Net, site: &Site) -> Result<Ipv4Net, Failure> {
    if site.own_network.is_some() {
        return Ok(range);
    }
    let networks = site.networks.iter().map(|taken| ("a libvirt network", taken));
    let routes = site.routes.iter().map(|taken| ("a route of this workstation", taken));
    match networks.chain(routes).find(|(_, taken)| in_the_way(range, **taken)) {
        None => Ok(range),
        Some((what, taken)) => Err(Failure::refused(format!("the machine network {range} overlaps {what}, {taken}"))
            .hint("Choose another range, or leave it to seedbed: `machines: {network: auto}`.")),
    }
}

/// The range that was chosen before, or the first free one from a place that the cluster's name gives.
///
/// The name and not the id, so that `plan` tells the range before the first `up` has made an id.
fn chosen(cluster: &Cluster, site: &Site) -> Result<Ipv4Net, Failure> {
    if let Some(own) = site.own_network {
        return Ok(own);
    }
    let kubernetes = &cluster.kubernetes;
    let own = [kubernetes.pod_network, kubernetes.service_network];
    let taken: Vec<Ipv4Net> = site.routes.iter().chain(&site.networks).chain(&own).copied().collect();
    let mut free = turned(&cluster.name).filter(|range| !taken.iter().any(|taken| in_the_way(*range, *taken)));
    free.next().ok_or_else(|| {
        Failure::refused("no range is free for the machine network")
            .cause("routes and networks take all of 10.200.0.0 to 10.249.255.255 and 192.168.0.0/16")
            .hint("Name one: `machines: {network: 172.30.5.0/24}`.")
    })
}

/// The /24 that a cluster of this name gets where nothing else has it.
pub fn usual_range(name: &str) -> Ipv4Net {
    turned(name).next().unwrap_or_default()
}

/// The candidates from a place on that the cluster's name gives.
fn turned(name: &str) -> impl Iterator<Item = Ipv4Net> {
    let hash = hash(&[b"network", name.as_bytes()]);
    let mut candidates = candidates();
    let start = usize::from(u16::from_be_bytes([hash[0], hash[1]])) % candidates.len();
    candidates.rotate_left(start);
    candidates.into_iter()
}

/// The /24s of 10.200.0.0 to 10.249.255.255, then of 192.168.0.0/16.
fn candidates() -> Vec<Ipv4Net> {
    let ten = (200..=249).flat_map(|second| (0..=255).map(move |third| Ipv4Addr::new(10, second, third, 0)));
    let small = (0..=255).map(|third| Ipv4Addr::new(192, 168, third, 0));
    ten.chain(small).map(|address| Ipv4Net::new_assert(address, 24)).collect()
}

/// Whether two ranges share addresses. A default route, or a half of one, is in nobody's way.
fn in_the_way(range: Ipv4Net, taken: Ipv4Net) -> bool {
    taken.prefix_len() > 1 && (range.contains(&taken) || taken.contains(&range))
}

/// The bridge that exists, or a free name like `sb-quickstart`.
fn bridge(cluster: &Cluster, site: &Site) -> String {
    if let Some(own) = &site.own_bridge {
        return own.clone();
    }
    let plain = format!("sb-{}", cluster.name);
    let hashed = |round: u8| {
        let end = hexadecimal(&hash(&[b"bridge", cluster.name.as_bytes(), &[round]])[..3]);
        format!("sb-{}-{end}", &cluster.name[..cluster.name.len().min(5)])
    };
    let free = |name: &String| name.len() <= INTERFACE && !site.bridges.contains(name);
    std::iter::once(plain).chain((0..=u8::MAX).map(hashed)).find(free).unwrap_or_else(|| hashed(0))
}
