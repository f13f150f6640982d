//! The provider against libvirt's own test driver, through the real executable.
//!
//! The driver's state is that of one process, so every test has a hypervisor of its own. It cannot
//! move bytes: sending images and booting are shown by `boots` below, and end to end.

use std::path::PathBuf;

use engine::event::Events;
use engine::failure::Kind;
use libvirt_protocol::{Action, Code, DomainState, Subject};
use uuid::Uuid;

use super::definition::{self, Boot, Connected, DomainParts};
use super::provider::Provider;
use super::{owner, pool};
use crate::plan::{KubernetesPlan, MachinePlan, NetworkPlan, NodePlan, Pace, Plan, RegistryPlan};
use crate::spec::{Cni, Role};

mod boot;
mod driver;

/// A plan of two machines.
fn sample_plan() -> Plan {
    let range = "10.77.3.0/24".parse().unwrap();
    let node = |name: &str, role, last: u8| NodePlan {
        name: name.into(),
        role,
        address: [10, 77, 3, last].into(),
        host_key: format!("ssh-ed25519 AAAA{last}"),
        machine: MachinePlan::Libvirt {
            domain: format!("demo-{name}"),
            uuid: Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes()),
            mac: format!("52:54:00:aa:00:{last:02x}"),
            cpus: 2,
            memory: 2 << 30,
            disk: 10 << 30,
            user: "seedbed".into(),
        },
    };
    Plan {
        cluster: "demo".into(),
        id: "0b2e1a52-7f1c-4f6e-9a55-1d3c5b7e9f00".parse().unwrap(),
        spec_hash: "5ec".into(),
        spec_file: "/home/me/demo/seedbed.yaml".into(),
        pace: Pace::Emulated,
        uri: Some("test:///default".into()),
        image: "debian-13".into(),
        network: Some(NetworkPlan {
            name: Some("seedbed-demo".into()),
            bridge: "sb-demo".into(),
            range,
            gateway: [10, 77, 3, 1].into(),
            dynamic: ([10, 77, 3, 100].into(), [10, 77, 3, 199].into()),
            load_balancer: ([10, 77, 3, 200].into(), [10, 77, 3, 250].into()),
        }),
        nodes: vec![node("control-1", Role::ControlPlane, 10), node("worker-1", Role::Worker, 11)],
        kubernetes: KubernetesPlan {
            version: "1.36.3".into(),
            endpoint: "api.demo.seedbed.internal".into(),
            address: [10, 77, 3, 10].into(),
            port: 6443,
            pod_network: "10.244.0.0/16".parse().unwrap(),
            service_network: "10.96.0.0/12".parse().unwrap(),
            dns: [10, 96, 0, 10].into(),
            cni: Cni::Flannel,
            kubeadm: serde_json::Map::new(),
        },
        gitops: None,
        registry: None,
        authorized_keys: vec!["ssh-ed25519 CCCC me".into()],
    }
}

/// The domain of a node, over volumes that need not exist.
fn sample_domain(plan: &Plan, node: &NodePlan) -> String {
    let MachinePlan::Libvirt { domain, uuid, mac, cpus, memory, .. } = &node.machine else { unreachable!() };
    let parts = DomainParts {
        name: domain,
        uuid: *uuid,
        mac,
        cpus: *cpus,
        memory: *memory,
        disk: "/pool/disk.qcow2",
        seed: &format!("/pool/{domain}.seed.iso"),
        bits: Some("/shared/bits"),
        registry: plan.registry.as_ref().map(|_| "/pool/registry.raw"),
        console: "/pool/console.log",
        steady_clock: true,
        boot: Some(Boot { kernel: "/shared/kernel", initrd: "/shared/initrd", arguments: "root=LABEL=root rw" }),
        connected: Connected::Network("seedbed-demo"),
    };
    definition::domain(plan, node, &parts).to_string()
}

#[test]
fn the_domain_of_an_emulated_machine() {
    let plan = sample_plan();
    insta::assert_snapshot!(sample_domain(&plan, &plan.nodes[0]));
}

#[test]
fn the_domain_of_a_native_machine() {
    let plan = Plan { pace: Pace::Native, ..sample_plan() };
    insta::assert_snapshot!(sample_domain(&plan, &plan.nodes[1]));
}

#[test]
fn the_domain_of_a_machine_that_serves_the_registry() {
    let registry = RegistryPlan { name: "10.77.3.10:5000".into(), size: Some(20 << 30) };
    let plan = Plan { registry: Some(registry), ..sample_plan() };
    let domain = sample_domain(&plan, &plan.nodes[0]);
    let without = sample_domain(&Plan { registry: None, ..plan.clone() }, &plan.nodes[0]);
    let more = domain.lines().filter(|line| !without.contains(line)).map(str::trim);
    insta::assert_snapshot!(more.collect::<Vec<_>>().join("\n"), @r"
    <driver name='qemu' type='raw' cache='writeback' discard='unmap'/>
    <source file='/pool/registry.raw'/>
    <target dev='vdd' bus='virtio'/>
    <serial>SEEDBED-REGISTRY</serial>
    ");
}

#[test]
fn the_network_has_an_entry_for_each_machine() {
    let plan = sample_plan();
    let network = plan.network.as_ref().unwrap();
    let uuid = owner::network_uuid(plan.id);
    insta::assert_snapshot!(definition::network(&plan, network, "seedbed-demo", uuid));
}

#[test]
fn the_volumes_and_the_pool() {
    let overlay = definition::overlay("demo-control-1.qcow2", 10 << 30, "/shared/base", super::Format::Raw);
    let pool = definition::pool("seedbed-demo-0b2e1a52", Uuid::nil(), &pool::path("seedbed-demo-0b2e1a52"));
    insta::assert_snapshot!(format!("{overlay}{pool}{}", definition::plain_volume("seed.iso", 100)));
}
