//! Prepares a host: kernel, containerd, kubelet, images.

use engine::event::{Step, Unit};
use engine::failure::Result;
use engine::host::{Attributes, Change, Host, Mode};
use engine::place::Place;
use engine::template::Layer;
use serde_json::{Map, Value, json};

use super::claim::claim;
use super::ground::Ground;
use super::play::play;
use crate::artifact;
use crate::plan::{MachinePlan, NodePlan};
use crate::spec::Role;

/// Where a disk of bits is mounted.
const DISK: &str = "/run/seedbed/bits";
/// Where the bits lie on a machine that has no such disk.
const SENT: &str = "/var/lib/seedbed/bits";
/// The images that kubeadm starts, in the order in which it does.
const CONTROL_PLANE: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
/// The images that every node runs, and so needs first.
const EVERYWHERE: [&str; 2] = ["kube-proxy", "flannel"];

/// A host that is ready for kubeadm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Whether anything was altered.
    pub changed: bool,
}

/// Prepares a host; a second time it only looks.
pub async fn provision(ground: &Ground<'_>, node: &NodePlan, host: &Host, step: &Step) -> Result<Prepared> {
    let claimed = claim(ground, node, host).await?;
    let existing = matches!(node.machine, MachinePlan::Existing { .. });
    let sent = if existing { send_bits(ground, node, host, step).await? } else { false };
    let variables = variables(ground, node, existing)?;
    let recap = play(ground, "playbooks/node.yaml", node, host, variables, step).await?;
    Ok(Prepared { changed: claimed || sent || recap.changed > 0 })
}

/// Begins to import the images that a slow control plane gets only when its API answers.
///
/// Until then they would compete with the API server, which gives up where it starts too slowly.
pub async fn import_rest(ground: &Ground<'_>, node: &NodePlan, host: &Host, step: &Step) -> Result<()> {
    if !held(ground, node.role) {
        return Ok(());
    }
    let variables = [("archives".to_owned(), Value::from(archives(ground, node.role)))];
    play(ground, "playbooks/images.yaml", node, host, Map::from_iter(variables), step).await.map(drop)
}

/// Runs the user's own playbooks, after seedbed's; answers whether they changed anything.
pub async fn provision_more(
    ground: &Ground<'_>,
    provision: &crate::spec::Provision,
    node: &NodePlan,
    host: &Host,
    step: &Step,
) -> Result<bool> {
    let mut changed = false;
    for path in &provision.playbooks {
        let name = path.display().to_string();
        // What the user wrote may hold templates.
        let variables = Layer::source(&provision.variables, &Place::file("provision.variables"));
        changed |= play(ground, &name, node, host, variables, step).await?.changed > 0;
    }
    Ok(changed)
}

/// Sends what a disk of bits would hold; answers whether anything was missing.
async fn send_bits(ground: &Ground<'_>, node: &NodePlan, host: &Host, step: &Step) -> Result<bool> {
    let archives = archives(ground, node.role);
    let wanted = |place: &str| match place.strip_prefix("images/") {
        Some(archive) => archives.iter().any(|name| name == archive),
        None => place != "bin/registry" || node.name == ground.plan.first_control_plane().name,
    };
    let files: Vec<_> = ground.bits.files.iter().filter(|file| wanted(&file.place)).collect();
    let mut view = host.view(Mode::Apply).with_step(step);
    let mut changed = false;
    for directory in ["bin", "cni", "images"] {
        view.apply(Change::Directory { path: format!("{SENT}/{directory}"), attributes: Attributes::default() })
            .await?;
    }
    for (index, file) in files.iter().enumerate() {
        let path = format!("{SENT}/{}", file.place);
        let there = view.stat(path.as_str()).await?;
        if there.is_none_or(|stat| stat.sha256.as_deref() != Some(&file.sha256)) {
            let attributes = Attributes { mode: Some(file.mode), ..Attributes::default() };
            view.apply(Change::Send { path, source: file.source.clone(), attributes }).await?;
            changed = true;
        }
        step.progress(index as u64 + 1, Some(files.len() as u64), Unit::Items);
    }
    let images = ground.bits.images.iter().map(|(name, reference)| format!("images/{name}.tar {reference}\n"));
    let images: String = images.collect();
    let path = format!("{SENT}/IMAGES");
    if view.read(path.as_str()).await?.as_deref() != Some(images.as_bytes()) {
        view.write(path, images, Attributes::default()).await?;
        changed = true;
    }
    Ok(changed)
}

/// Where a host has its bits.
pub const fn bits_at(existing: bool) -> &'static str {
    if existing { SENT } else { DISK }
}

fn variables(ground: &Ground<'_>, node: &NodePlan, existing: bool) -> Result<Map<String, Value>> {
    let plan = ground.plan;
    let mut hosts: Vec<String> = plan.nodes.iter().map(|node| format!("{} {}", node.address, node.name)).collect();
    hosts.push(format!("{} {}", plan.kubernetes.address, plan.kubernetes.endpoint));
    let serving = ground.identity.kubelet_serving(&node.name, node.address)?;
    let Value::Object(variables) = json!({
        "bits": bits_at(existing),
        "bits_disk": !existing,
        "bits_label": artifact::LABEL,
        "archives": if held(ground, node.role) { first_archives(ground, node.role) } else { archives(ground, node.role) },
        "first_archives": first_archives(ground, node.role),
        "authorized_keys": if existing { &[] } else { plan.authorized_keys.as_slice() },
        "hosts_entries": hosts.join("\n"),
        "kubelet_credential": format!("{}{}", serving.certificate, serving.key.reveal()),
    }) else {
        return Ok(Map::new());
    };
    Ok(variables)
}

/// Whether all but the first images wait for the API.
fn held(ground: &Ground<'_>, role: Role) -> bool {
    ground.emulated() && role == Role::ControlPlane
}

/// What must be there before kubeadm starts.
fn first_archives(ground: &Ground<'_>, role: Role) -> Vec<String> {
    let own: &[&str] = if role == Role::ControlPlane { &CONTROL_PLANE } else { &EVERYWHERE };
    named(ground, std::iter::once("pause").chain(own.iter().copied()))
}

/// All that a role needs, in the order in which it does. A control plane with workers runs no workloads.
fn archives(ground: &Ground<'_>, role: Role) -> Vec<String> {
    let mut names = vec!["pause"];
    if role == Role::ControlPlane {
        names.extend(CONTROL_PLANE);
    }
    names.extend(EVERYWHERE);
    names.push("coredns");
    if role == Role::Worker || ground.plan.single() {
        let rest = ground.bits.images.keys().map(String::as_str);
        let more: Vec<&str> = rest.filter(|name| !names.contains(name) && !CONTROL_PLANE.contains(name)).collect();
        names.extend(more);
    }
    named(ground, names)
}

fn named<'a>(ground: &Ground<'_>, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let there = names.into_iter().filter(|name| ground.bits.images.contains_key(*name));
    there.map(|name| format!("{name}.tar")).collect()
}
