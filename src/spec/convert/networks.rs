//! Networks that must not overlap.
//!
//! An overlap with the services makes kube-proxy drop the nodes' own traffic, and nothing reports it.

use std::net::IpAddr;

use engine::failure::Failure;
use ipnet::Ipv4Net;

use super::{Context, span};
use crate::spec::cluster::{Cluster, Network, Provider};
use crate::spec::raw;
use crate::spec::read::Placed;
use crate::spec::tree::Span;

/// The largest prefix that has all planned addresses, see `plan::network`.
const LONGEST_PREFIX: u8 = 24;

struct Named {
    name: &'static str,
    range: Ipv4Net,
    /// Where it was written; a default has no place.
    span: Option<Span>,
}

pub fn check(spec: &Placed<raw::Spec>, cluster: &Cluster, context: &mut Context<'_, '_>) {
    let kubernetes = spec.kubernetes.as_ref();
    let network = spec.machines.as_ref().and_then(|machines| machines.network.as_ref());
    let mut named = vec![
        Named {
            name: "the pod network",
            range: cluster.kubernetes.pod_network,
            span: kubernetes.and_then(|kubernetes| span(kubernetes.pod_network.as_ref())),
        },
        Named {
            name: "the service network",
            range: cluster.kubernetes.service_network,
            span: kubernetes.and_then(|kubernetes| span(kubernetes.service_network.as_ref())),
        },
    ];
    if let Network::Range(range) | Network::Bridge { addresses: range, .. } = &cluster.machines.network {
        named.push(Named { name: "the machine network", range: *range, span: span(network) });
        if let Some(place) = span(network).filter(|_| range.prefix_len() > LONGEST_PREFIX) {
            let failure = Failure::invalid(format!("{range} is too small: the machine network must be /24 or larger"));
            context.invalid(place, failure.hint("It holds the nodes and the load balancers' addresses."));
        }
    }
    for (index, second) in named.iter().enumerate() {
        for first in &named[..index] {
            overlap(first, second, spec.span, context);
        }
    }
    if cluster.machines.provider == Provider::Existing {
        addresses(spec, &named, context);
    }
}

fn overlap(first: &Named, second: &Named, whole: Span, context: &mut Context<'_, '_>) {
    if !first.range.contains(&second.range) && !second.range.contains(&first.range) {
        return;
    }
    let what = format!("{} {} overlaps {} {}", second.name, second.range, first.name, first.range);
    let mut failure = Failure::invalid(what).hint("Choose ranges that have no address in common.");
    for one in [first, second].into_iter().filter(|one| one.span.is_none()) {
        failure = failure.hint(format!("{} is the default for {}.", one.range, one.name));
    }
    context.invalid(second.span.or(first.span).unwrap_or(whole), failure);
}

/// Existing machines stand outside the cluster's own networks.
fn addresses(spec: &Placed<raw::Spec>, named: &[Named], context: &mut Context<'_, '_>) {
    let nodes = spec.nodes.as_ref().map_or(&[][..], |nodes| &nodes.value);
    let mut seen: Vec<(IpAddr, Span)> = Vec::new();
    for address in nodes.iter().filter_map(|node| node.address.as_ref()) {
        for network in named.iter().filter(|network| network.range.contains(&address.0)) {
            let what = format!("the machine's address {} is in {} {}", address.0, network.name, network.range);
            context.invalid(address.span, Failure::invalid(what).hint("Choose another range for the network."));
        }
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == IpAddr::V4(address.0)) {
            let what = format!("two machines have the address {}", address.0);
            let hint = format!("The other is in line {}.", first.line);
            context.invalid(address.span, Failure::invalid(what).hint(hint));
        }
        seen.push((address.0.into(), address.span));
    }
}
