//! Makes the plan. Pure: the same spec, site and identity give the same plan.

use std::net::{IpAddr, Ipv4Addr};

use engine::failure::Failure;
use uuid::Uuid;

use super::identity::PublicIdentity;
use super::{
    GitopsPlan, KubernetesPlan, Kvm, MachinePlan, NodePlan, Pace, Plan, RegistryPlan, Site, fingerprint, range,
};
use crate::spec::{Cluster, Emulation, GitHost, Node, Provider, human};

/// The user on machines that seedbed makes.
pub const USER: &str = "seedbed";
const API_PORT: u16 = 6443;

/// Plans a cluster; answers everything that stands against it at once.
pub fn make(cluster: &Cluster, site: &Site, identity: &PublicIdentity) -> Result<Plan, Vec<Failure>> {
    let mut failures = Vec::new();
    let uri = match &cluster.machines.provider {
        Provider::Libvirt { uri } => Some(uri.clone()),
        Provider::Existing => None,
    };
    // Of machines that exist, only the spec tells whether they are emulated.
    let slow = cluster.machines.emulation == Emulation::Allow;
    let mut pace = if slow { Pace::Emulated } else { Pace::Native };
    let mut network = None;
    if uri.is_some() {
        pace = self::pace(site, cluster.machines.emulation).unwrap_or_else(|failure| {
            failures.push(failure);
            Pace::Emulated
        });
        failures.extend(memory(cluster, site));
        network = range::network(cluster, site).map_err(|failure| failures.push(failure)).ok();
    }
    let range = network.as_ref().map(|network| network.range);
    let nodes: Vec<NodePlan> = (0_u32..)
        .zip(cluster.nodes.iter().zip(macs(cluster, identity.id)))
        .map(|(index, (node, mac))| {
            let free = range.map_or(Ipv4Addr::UNSPECIFIED, |range| range::address(range, range::FIRST_NODE + index));
            self::node(cluster, node, free, mac, identity, &mut failures)
        })
        .collect();
    if !failures.is_empty() {
        return Err(failures);
    }
    let Some(address) = nodes.first().map(|node| node.address) else {
        return Err(vec![Failure::invalid("there is no control plane")]);
    };
    Ok(Plan {
        cluster: cluster.name.clone(),
        id: identity.id,
        spec_hash: fingerprint::spec_hash(cluster),
        spec_file: std::path::absolute(&cluster.file).unwrap_or_else(|_| cluster.file.clone()),
        pace,
        uri,
        image: cluster.machines.image.clone(),
        network,
        kubernetes: kubernetes(cluster, address),
        gitops: gitops(cluster, address),
        registry: cluster.registry.as_ref().map(|registry| RegistryPlan::at(address, registry)),
        authorized_keys: authorized_keys(cluster, identity),
        nodes,
    })
}

fn pace(site: &Site, emulation: Emulation) -> Result<Pace, Failure> {
    let why = match &site.kvm {
        Kvm::Works => return Ok(Pace::Native),
        Kvm::Absent => "there is no /dev/kvm that this user can open".to_owned(),
        Kvm::Broken(why) => why.clone(),
    };
    match emulation {
        Emulation::Allow => Ok(Pace::Emulated),
        Emulation::Refuse => Err(Failure::refused("machines would be emulated: KVM does not work here")
            .cause(why)
            .hint("Allow it with `machines: {emulation: allow}`; it is about ten times slower.")
            .hint("Or enable virtualisation in the firmware, load kvm_intel or kvm_amd, and join the group kvm.")),
    }
}

/// Refuses what does not fit. Machines that were made before have their memory already.
fn memory(cluster: &Cluster, site: &Site) -> Option<Failure> {
    let wanted: u64 = cluster.nodes.iter().map(|node| node.memory).sum();
    let made_before = site.own_network.is_some();
    if made_before || site.memory_free == 0 || wanted <= site.memory_free {
        return None;
    }
    let what = format!("the machines need {} of memory, {} is free", human(wanted), human(site.memory_free));
    Some(Failure::refused(what).hint("Make the nodes smaller or fewer, or end other programs."))
}

fn node(
    cluster: &Cluster,
    node: &Node,
    free: Ipv4Addr,
    mac: String,
    identity: &PublicIdentity,
    failures: &mut Vec<Failure>,
) -> NodePlan {
    let existing = node.existing.as_ref();
    let address = match existing.map(|existing| existing.address) {
        Some(IpAddr::V4(address)) => address,
        Some(IpAddr::V6(address)) => {
            failures.push(Failure::invalid(format!("{}: {address} is no IPv4 address", node.name)));
            Ipv4Addr::UNSPECIFIED
        }
        None => free,
    };
    let host_key = match (existing, identity.host_keys.get(&node.name)) {
        (Some(existing), _) => existing.host_key.clone(),
        (None, Some(key)) => key.clone(),
        (None, None) if identity.is_made() => {
            let failure = Failure::other(format!("the identity has no host key for {}", node.name));
            failures.push(failure.hint("`seedbed rebuild` makes a new identity."));
            String::new()
        }
        (None, None) => String::new(),
    };
    let machine = match existing {
        Some(existing) => {
            MachinePlan::Existing { port: existing.port, user: existing.user.clone(), key: existing.key.clone() }
        }
        None => MachinePlan::Libvirt {
            domain: format!("{}-{}", cluster.name, node.name),
            uuid: Uuid::new_v5(&identity.id, node.name.as_bytes()),
            mac,
            cpus: node.cpus,
            memory: node.memory,
            disk: node.disk,
            user: USER.into(),
        },
    };
    NodePlan { name: node.name.clone(), role: node.role, address, host_key, machine }
}

/// MAC addresses of QEMU's range from the cluster's and the nodes' identity, in the nodes' order, each once.
fn macs(cluster: &Cluster, id: Uuid) -> Vec<String> {
    let mut taken: Vec<u32> = Vec::new();
    for node in &cluster.nodes {
        let hash = fingerprint::hash(&[id.as_bytes(), node.name.as_bytes()]);
        let mut low = u32::from_be_bytes([0, hash[0], hash[1], hash[2]]);
        while taken.contains(&low) {
            low = (low + 1) & 0x00ff_ffff;
        }
        taken.push(low);
    }
    let text = |low: u32| {
        let [_, a, b, c] = low.to_be_bytes();
        format!("52:54:00:{a:02x}:{b:02x}:{c:02x}")
    };
    taken.into_iter().map(text).collect()
}

fn kubernetes(cluster: &Cluster, address: Ipv4Addr) -> KubernetesPlan {
    let kubernetes = &cluster.kubernetes;
    KubernetesPlan {
        version: kubernetes.version.clone(),
        endpoint: format!("api.{}.seedbed.internal", cluster.name),
        address,
        port: API_PORT,
        pod_network: kubernetes.pod_network,
        service_network: kubernetes.service_network,
        dns: range::address(kubernetes.service_network, 10),
        cni: kubernetes.cni.clone(),
        kubeadm: kubernetes.kubeadm.clone(),
    }
}

fn gitops(cluster: &Cluster, address: Ipv4Addr) -> Option<GitopsPlan> {
    let spec = cluster.gitops.clone()?;
    let (url, embedded) = match &spec.host {
        GitHost::Embedded => (format!("ssh://git@{address}/srv/git/{}.git", cluster.name), true),
        GitHost::Url { url, .. } => (url.clone(), false),
    };
    Some(GitopsPlan { spec, url, embedded })
}

fn authorized_keys(cluster: &Cluster, identity: &PublicIdentity) -> Vec<String> {
    let mut keys = Vec::new();
    let generated = std::iter::once(&identity.user_key).filter(|key| !key.is_empty());
    for key in generated.chain(&identity.owner).chain(&cluster.machines.authorized_keys) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}
