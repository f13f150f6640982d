//! The nodes section.

use engine::failure::Failure;

use super::machines::public_key;
use super::{Context, span};
use crate::spec::cluster::{Existing, Node, Provider, Role};
use crate::spec::raw;
use crate::spec::read::Placed;
use crate::spec::tree::Span;
use crate::spec::value::{human, is_label};

const GIB: u64 = 1 << 30;

/// What kubeadm and a node's own programs need at least, and what they get without a word in the spec.
struct Needs {
    cpus: u32,
    memory: u64,
    usual_memory: u64,
}

impl Needs {
    fn of(role: Role) -> Self {
        match role {
            Role::ControlPlane => Self { cpus: 2, memory: 2 * GIB, usual_memory: 4 * GIB },
            Role::Worker => Self { cpus: 1, memory: GIB, usual_memory: 2 * GIB },
        }
    }
}

/// The least disk: the system, the binaries and the images.
const DISK: u64 = 8 * GIB;
const USUAL_DISK: u64 = 20 * GIB;
const USUAL_CPUS: u32 = 2;

/// As many as there are addresses for, see `plan::network`.
const MOST: usize = 190;

type Written = Placed<Vec<Placed<raw::Node>>>;

pub fn convert(
    written: Option<&Written>,
    provider: &Provider,
    cluster: &str,
    context: &mut Context<'_, '_>,
) -> Vec<Node> {
    let Some(written) = written else { return Vec::new() };
    let mut nodes: Vec<(Node, Span)> = Vec::new();
    for node in &written.value {
        nodes.extend(expand(node, provider, context));
    }
    check_names(&nodes, cluster, context);
    check_roles(written, &nodes, context);
    if nodes.len() > MOST {
        let what = format!("{} nodes: a cluster has at most {MOST}", nodes.len());
        context.invalid(written.span, Failure::invalid(what));
    }
    nodes.sort_by_key(|(node, _)| node.role);
    nodes.into_iter().map(|(node, _)| node).collect()
}

/// One entry as its nodes, each with the place of its name.
fn expand(written: &Placed<raw::Node>, provider: &Provider, context: &mut Context<'_, '_>) -> Vec<(Node, Span)> {
    for key in ["name", "role"] {
        context.required(&written.given, key, written.span, "the node");
    }
    let role = written.role.as_ref().map_or(Role::Worker, |role| role.value.into());
    let existing = match provider {
        Provider::Existing => Some(existing(written, context)),
        Provider::Libvirt { .. } => {
            let keys = [
                ("address", span(written.address.as_ref())),
                ("port", span(written.port.as_ref())),
                ("user", span(written.user.as_ref())),
                ("key", span(written.key.as_ref())),
                ("hostKey", span(written.host_key.as_ref())),
            ];
            context
                .meaningless(&keys, "the machine is made; for one that exists write `machines: {provider: existing}`");
            None
        }
    };
    let (cpus, memory, disk) = sizes(written, role, existing.is_some(), context);
    let place = span(written.name.as_ref()).unwrap_or(written.span);
    let name = written.name.as_ref().map_or("", |name| &name.0);
    let node = |name| Node { name, role, cpus, memory, disk, existing: existing.clone() };
    match &written.count {
        None => vec![(node(name.into()), place)],
        Some(count) if existing.is_some() => {
            let failure = Failure::invalid("`count` means nothing here: the machines exist");
            context.invalid(count.span, failure.hint("Write one entry for each machine."));
            vec![(node(name.into()), place)]
        }
        Some(count) => (1..=count.value).map(|n| (node(format!("{name}-{n}")), place)).collect(),
    }
}

fn existing(written: &raw::Node, context: &mut Context<'_, '_>) -> Existing {
    let at = span(written.name.as_ref()).unwrap_or_default();
    for (key, hint) in [
        ("address", "Write the machine's IPv4 address: `address: 192.168.1.20`."),
        ("hostKey", "Print it on the machine: `cat /etc/ssh/ssh_host_ed25519_key.pub`."),
    ] {
        if !written.given.iter().any(|given| given == key) {
            let failure = Failure::invalid(format!("`{key}` is missing: the machine exists")).hint(hint);
            context.invalid(at, failure);
        }
    }
    let sizes = [
        ("cpus", span(written.cpus.as_ref())),
        ("memory", span(written.memory.as_ref())),
        ("disk", span(written.disk.as_ref())),
    ];
    context.meaningless(&sizes, "the machine exists and has the size that it has");
    if let Some(key) = &written.host_key {
        let wrong = match public_key(key) {
            Ok("ssh-ed25519") => None,
            Ok(other) => Some(
                Failure::invalid(format!("the host key is of the type {other}"))
                    .hint("Use the ed25519 key: `cat /etc/ssh/ssh_host_ed25519_key.pub` on the machine."),
            ),
            Err(failure) => Some(failure),
        };
        if let Some(failure) = wrong {
            context.invalid(key.span, failure);
        }
    }
    Existing {
        address: written.address.as_ref().map_or(std::net::Ipv4Addr::UNSPECIFIED, |address| address.0).into(),
        port: written.port.as_ref().map_or(22, |port| port.value),
        user: written.user.as_ref().map_or_else(|| "root".into(), |user| user.value.clone()),
        key: written.key.as_ref().map(|key| context.path(key, "the private key", false)),
        // A comment would make equal keys differ.
        host_key: written
            .host_key
            .as_ref()
            .map_or_else(String::new, |key| key.split_whitespace().take(2).collect::<Vec<_>>().join(" ")),
    }
}

fn sizes(written: &raw::Node, role: Role, exists: bool, context: &mut Context<'_, '_>) -> (u32, u64, u64) {
    if exists {
        return (0, 0, 0);
    }
    let needs = Needs::of(role);
    let whose = if role == Role::ControlPlane { "a control plane" } else { "a worker" };
    if let Some(cpus) = written.cpus.as_ref().filter(|cpus| cpus.value < needs.cpus) {
        let what = format!("{} processor is too few: {whose} needs {}", cpus.value, needs.cpus);
        context.invalid(cpus.span, Failure::invalid(what));
    }
    if let Some(memory) = written.memory.as_ref().filter(|memory| memory.0 < needs.memory) {
        let what = format!("{} of memory is too little: {whose} needs {}", human(memory.0), human(needs.memory));
        context.invalid(memory.span, Failure::invalid(what));
    }
    if let Some(disk) = written.disk.as_ref().filter(|disk| disk.0 < DISK) {
        let what = format!("{} of disk is too little: a node needs {}", human(disk.0), human(DISK));
        context.invalid(disk.span, Failure::invalid(what).hint("A disk takes only the room that is used."));
    }
    (
        written.cpus.as_ref().map_or(USUAL_CPUS, |cpus| cpus.value),
        written.memory.as_ref().map_or(needs.usual_memory, |memory| memory.0),
        written.disk.as_ref().map_or(USUAL_DISK, |disk| disk.0),
    )
}

fn check_names(nodes: &[(Node, Span)], cluster: &str, context: &mut Context<'_, '_>) {
    for (index, (node, place)) in nodes.iter().enumerate() {
        if node.name.is_empty() {
            continue;
        }
        if let Some((_, first)) = nodes[..index].iter().find(|(other, _)| other.name == node.name) {
            let what = format!("two nodes are called `{}`", node.name);
            let hint = format!("The other is in line {}; `count` numbers names from 1.", first.line);
            context.invalid(*place, Failure::invalid(what).hint(hint));
        }
        let machine = format!("{cluster}-{}", node.name);
        if !is_label(&node.name) || machine.len() > 63 {
            let what = format!("the name `{machine}` has {} characters, at most 63 fit", machine.len());
            context.invalid(*place, Failure::invalid(what).hint("Shorten the node's or the cluster's name."));
        }
    }
}

fn check_roles(written: &Written, nodes: &[(Node, Span)], context: &mut Context<'_, '_>) {
    let mut control_planes = nodes.iter().filter(|(node, _)| node.role == Role::ControlPlane);
    // A role that could not be read may have been meant as the control plane.
    let all_read = written.value.iter().all(|node| node.role.is_some());
    match (control_planes.next(), control_planes.next()) {
        (None, _) if all_read => {
            let failure = Failure::invalid("there is no control plane");
            context.invalid(written.span, failure.hint("Give one node `role: control-plane`."));
        }
        (Some(_), Some((second, place))) => {
            let what = format!("`{}` would be a second control plane: seedbed cannot do that yet", second.name);
            context.invalid(*place, Failure::invalid(what).hint("Make the other nodes workers: `role: worker`."));
        }
        _ => {}
    }
}
