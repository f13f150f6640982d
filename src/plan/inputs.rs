//! What a cluster is made from beside its plan, as digests: by these an edit of it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use engine::digest;
use engine::failure::{Failure, Result};
use serde::Serialize;
use serde_json::Value;

use super::Plan;
use crate::artifact::{Artifact, Catalog, Kind, needed};
use crate::assets::Assets;
use crate::spec::{Cluster, Cni, Provider, Role};

/// Files that are only read when a control plane is made.
const FIRST: [&str; 4] = [
    "playbooks/control-plane.yaml",
    "templates/encryption.yaml",
    "templates/kubeadm-init.yaml",
    "templates/static-pod-patch.yaml",
];
/// Files that are only read when a worker joins.
const JOINING: [&str; 2] = ["playbooks/worker.yaml", "templates/kubeadm-join.yaml"];

/// The user's files and variables, by what an edit of them is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// `artifacts.overrides.kubelet`, `templates/containerd.toml`, `provision.variables.zone`, with their digests.
    pub digests: BTreeMap<String, String>,
    /// The names of those that are read once, when a machine or a node is made.
    lasting: BTreeSet<String>,
}

/// What a run applies, as the state directory keeps it for the next one.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    #[serde(flatten)]
    pub plan: &'a Plan,
    pub inputs: &'a BTreeMap<String, String>,
}

impl Inputs {
    /// Reads and hashes them. Of artifacts and machine images, only what this cluster needs counts.
    pub fn read(cluster: &Cluster, assets: &Assets) -> Result<Self> {
        let catalog = Catalog::load_with(assets)?;
        let mut inputs = Self { digests: BTreeMap::new(), lasting: lasting(cluster, &catalog) };
        for name in needed(&catalog, cluster)? {
            if let Some(file) = cluster.artifacts.overrides.get(name) {
                inputs.add(override_of(name), file)?;
            }
        }
        let made = matches!(cluster.machines.provider, Provider::Libvirt { .. });
        let image = format!("vm-images/{}.", cluster.machines.image);
        for (name, file) in assets.own_files() {
            if !name.starts_with("vm-images/") || (made && name.starts_with(&image)) {
                inputs.add(name, &file)?;
            }
        }
        for file in named(cluster) {
            let name = file.strip_prefix(&cluster.directory).unwrap_or(file);
            inputs.add(name.display().to_string(), file)?;
        }
        for (name, value) in &cluster.provision.variables {
            // Not the value: it may be no one's business.
            let digest = digest::of_bytes(value.to_string().as_bytes());
            inputs.digests.insert(format!("provision.variables.{name}"), shown(&digest));
        }
        Ok(inputs)
    }

    /// Whether what exists stays as it was made, whatever becomes of this.
    pub fn is_lasting(&self, name: &str) -> bool {
        self.lasting.contains(name) || name.starts_with("vm-images/")
    }

    fn add(&mut self, name: String, file: &Path) -> Result<()> {
        let (digest, _) = digest::of_file(file)
            .map_err(|error| Failure::invalid(format!("cannot read {}", file.display())).because(&error))?;
        self.digests.insert(name, shown(&digest));
        Ok(())
    }
}

impl<'a> Record<'a> {
    pub fn of(plan: &'a Plan, inputs: &'a Inputs) -> Self {
        Self { plan, inputs: &inputs.digests }
    }

    /// The inputs in a record; none in one that an earlier version wrote.
    pub fn inputs(record: &Value) -> Option<BTreeMap<String, String>> {
        serde_json::from_value(record.get("inputs")?.clone()).ok()
    }
}

fn override_of(name: &str) -> String {
    format!("artifacts.overrides.{name}")
}

/// As people compare digests: by their beginnings.
fn shown(digest: &str) -> String {
    format!("sha256 {}", &digest[..16])
}

/// The files that the spec names beside its folders.
fn named(cluster: &Cluster) -> impl Iterator<Item = &Path> {
    let manifests = match &cluster.kubernetes.cni {
        Cni::None { manifests } => manifests.as_slice(),
        Cni::Flannel => &[],
    };
    cluster.provision.playbooks.iter().chain(manifests).map(PathBuf::as_path).filter(|file| file.is_file())
}

/// What is read once: by machines when they are made, and by nodes when they come into Kubernetes.
fn lasting(cluster: &Cluster, catalog: &Catalog) -> BTreeSet<String> {
    // Manifests are applied by every run, and tools are on no node.
    let stays = |artifact: &&Artifact| !matches!(artifact.kind, Kind::Manifest | Kind::Tool);
    let artifacts = catalog.artifacts.values().filter(stays).map(|artifact| override_of(&artifact.name));
    let workers = cluster.nodes.iter().any(|node| node.role == Role::Worker);
    let joining = JOINING.iter().filter(|_| workers);
    artifacts.chain(FIRST.iter().chain(joining).map(|name| (*name).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    #[test]
    fn images_count_where_machines_are_made_and_joins_where_workers_are() {
        let directory = tempfile::tempdir().unwrap();
        for (folder, name) in [("vm-images", "debian-13.sh"), ("templates", "kubeadm-join.yaml")] {
            std::fs::create_dir(directory.path().join(folder)).unwrap();
            std::fs::write(directory.path().join(folder).join(name), "ours\n").unwrap();
        }
        let read = |text: &str| {
            let file = directory.path().join("seedbed.yaml");
            std::fs::write(&file, format!("cluster: demo\n{text}")).unwrap();
            Inputs::read(&spec::load(&file).unwrap(), &Assets::beside(directory.path())).unwrap()
        };
        let lasting = |inputs: &Inputs| -> Vec<(String, bool)> {
            inputs.digests.keys().map(|name| (name.clone(), inputs.is_lasting(name))).collect()
        };
        let (join, image) = ("templates/kubeadm-join.yaml".to_owned(), "vm-images/debian-13.sh".to_owned());
        let one = read("nodes: [{name: cp, role: control-plane}]\n");
        assert_eq!(lasting(&one), [(join.clone(), false), (image.clone(), true)]);
        let two = read("nodes: [{name: cp, role: control-plane}, {name: w, role: worker}]\n");
        assert_eq!(lasting(&two), [(join.clone(), true), (image, true)]);
        let existing = read(
            "machines: {provider: existing}\nnodes: [{name: cp, role: control-plane, address: 127.0.0.1, user: root, \
             hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKUEPF1CklvNrZAJqOlJJDDF3uXiTRHZnpKfdVsLAp4K}]\n",
        );
        assert_eq!(lasting(&existing), [(join, false)]);
    }
}
