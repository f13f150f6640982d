//! The NAT network of a cluster.

use uuid::Uuid;

use crate::machine::owner;
use crate::machine::xml::{Element, element};
use crate::plan::{MachinePlan, NetworkPlan, NodePlan, Plan};

/// The network with an entry for each machine, so that every address is known before it is asked for.
pub fn network(plan: &Plan, network: &NetworkPlan, name: &str, uuid: Uuid) -> Element {
    let (first, last) = network.dynamic;
    let dhcp = element("dhcp")
        .with(element("range").set("start", first).set("end", last))
        .with_all(plan.nodes.iter().filter_map(host_entry));
    let address = element("ip").set("address", network.gateway).set("netmask", network.range.netmask()).with(dhcp);
    element("network")
        .with(element("name").text(name))
        .with(element("uuid").text(uuid))
        .with(owner::of_network(plan, network.range))
        .with(element("forward").set("mode", "nat"))
        // Without spanning tree and without delay: a machine's first packet should pass.
        .with(element("bridge").set("name", &network.bridge).set("stp", "off").set("delay", 0))
        .with(address)
}

/// The static entry of a machine that libvirt makes.
pub fn host_entry(node: &NodePlan) -> Option<Element> {
    let MachinePlan::Libvirt { mac, .. } = &node.machine else { return None };
    Some(element("host").set("mac", mac).set("name", &node.name).set("ip", node.address))
}
