//! The NAT network of a cluster.

use std::net::Ipv4Addr;

use engine::failure::{Failure, Result};
use ipnet::Ipv4Net;
use libvirt_protocol::{Action, Code, Domain, Network, Subject};
use roxmltree::Document;
use uuid::Uuid;

use super::definition;
use super::owner;
use super::provider::Provider;
use crate::plan::{MachinePlan, NetworkPlan, NodePlan, Plan};

impl Provider {
    /// Makes the cluster's network unless it is there, starts it, and adds entries for new machines.
    /// Answers whether anything was altered.
    pub(super) async fn ensure_network(&self, plan: &Plan, network: &NetworkPlan) -> Result<bool> {
        // An existing bridge is somebody else's and needs nothing.
        let Some(name) = &network.name else { return Ok(false) };
        let what = || format!("making the network {name} ({})", network.range);
        let all = self.networks().await?;
        let mut altered = false;
        let mut active = false;
        if let Some(found) = all.iter().find(|found| found.name == *name) {
            if owner::mark_of(&found.xml).is_none_or(|mark| mark.id != plan.id) {
                return Err(foreign(name));
            }
            let range = owner::network(found).and_then(|(_, found)| found.range);
            if let Some(range) = range.filter(|range| *range != network.range) {
                return Err(Failure::refused(format!(
                    "the network {name} has the range {range}, the plan {}",
                    network.range
                ))
                .hint("Addresses are chosen once: put the range back into the spec, or run `seedbed rebuild`."));
            }
            active = found.active;
            altered = self.add_hosts(plan, name, &found.xml).await?;
        } else {
            let xml = definition::network(plan, network, name, owner::network_uuid(plan.id)).to_string();
            self.run(Action::Define { subject: Subject::Network, xml }, what).await?;
        }
        if active {
            return Ok(altered);
        }
        let start = Action::Start { subject: Subject::Network, name: name.clone() };
        self.run_unless(start, &[Code::Invalid], what).await?;
        Ok(true)
    }

    /// Refuses a plan whose names belong to others than some clusters. Alters nothing.
    pub async fn require_names(&self, plan: &Plan, own: &[Uuid]) -> Result<()> {
        let (networks, domains) = futures::try_join!(self.networks(), self.domains())?;
        let network = plan.network.as_ref().and_then(|network| network.name.as_ref());
        let taken = |found: &&Network| {
            Some(&found.name) == network && owner::mark_of(&found.xml).is_none_or(|mark| !own.contains(&mark.id))
        };
        if let Some(found) = networks.iter().find(taken) {
            return Err(foreign(&found.name));
        }
        let named = |found: &&Domain| {
            let domain =
                |node: &NodePlan| matches!(&node.machine, MachinePlan::Libvirt { domain, .. } if *domain == found.name);
            plan.nodes.iter().any(domain)
        };
        domains.iter().filter(named).try_for_each(|found| super::machines::own(own, found))
    }

    /// Adds the entries of machines that the spec has got since the network was made.
    async fn add_hosts(&self, plan: &Plan, name: &str, xml: &str) -> Result<bool> {
        let mut altered = false;
        for node in &plan.nodes {
            let Some(entry) = definition::host_entry(node) else { continue };
            if xml.contains(&format!("ip='{}'", node.address)) {
                continue;
            }
            let action = Action::AddHost { network: name.to_owned(), xml: entry.to_string() };
            self.run(action, || format!("giving {} its address in the network {name}", node.name)).await?;
            altered = true;
        }
        Ok(altered)
    }
}

/// The ranges that a network of libvirt has on the hypervisor's machine.
pub fn ranges(xml: &str) -> Vec<Ipv4Net> {
    let Ok(document) = Document::parse(xml) else { return Vec::new() };
    let addresses = document.root_element().children().filter(|node| node.has_tag_name("ip"));
    addresses
        .filter_map(|node| {
            let address: Ipv4Addr = node.attribute("address")?.parse().ok()?;
            let range = match (node.attribute("prefix"), node.attribute("netmask")) {
                (Some(prefix), _) => Ipv4Net::new(address, prefix.parse().ok()?).ok()?,
                (None, Some(mask)) => Ipv4Net::with_netmask(address, mask.parse().ok()?).ok()?,
                (None, None) => return None,
            };
            Some(range.trunc())
        })
        .collect()
}

fn foreign(name: &str) -> Failure {
    Failure::refused(format!("the network {name} is not this cluster's"))
        .cause("it has the name that this cluster's network would have, and not its mark")
        .hint(format!("Look at it: `virsh net-dumpxml {name}`. seedbed never alters what it did not make."))
        .hint("Name the cluster differently.")
}
