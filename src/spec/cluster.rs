//! The cluster as the program uses it: complete, with defaults, valid in itself.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use engine::failure::Failure;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::evaluate::Evaluate;

/// A whole cluster spec.
#[derive(Clone, Debug, Serialize)]
pub struct Cluster {
    /// A DNS label.
    pub name: String,
    /// The spec file, as the user named it.
    pub file: PathBuf,
    /// The directory that relative paths in the spec start from; the state directory lies in it.
    pub directory: PathBuf,
    pub machines: Machines,
    /// Expanded: `count: 3` has become three nodes. The control plane is first.
    pub nodes: Vec<Node>,
    pub kubernetes: Kubernetes,
    pub provision: Provision,
    pub gitops: Option<Gitops>,
    /// None where the cluster has no registry of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<Registry>,
    /// What must hold once everything is Ready.
    pub checks: Vec<Check>,
    pub evaluate: Evaluate,
    pub artifacts: Artifacts,
}

#[derive(Clone, Debug, Serialize)]
pub struct Machines {
    pub provider: Provider,
    /// The name of a machine image, as in `vm-images/`.
    pub image: String,
    pub network: Network,
    pub emulation: Emulation,
    /// OpenSSH public keys that may log in beside the generated one.
    pub authorized_keys: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Provider {
    /// A libvirt connection URI.
    Libvirt { uri: String },
    /// The machines exist; each node says how it is reached.
    Existing,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Network {
    /// A NAT network whose range is chosen once.
    Auto,
    /// A NAT network with this range.
    Range(Ipv4Net),
    /// An existing bridge, with static addresses from a range.
    Bridge { name: String, addresses: Ipv4Net },
}

/// What to do where KVM does not truly work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Emulation {
    Refuse,
    Allow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    ControlPlane,
    Worker,
}

#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// A DNS label, unique in the cluster.
    pub name: String,
    pub role: Role,
    pub cpus: u32,
    /// Bytes.
    pub memory: u64,
    /// Bytes.
    pub disk: u64,
    /// How an existing machine is reached.
    pub existing: Option<Existing>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Existing {
    pub address: IpAddr,
    pub port: u16,
    pub user: String,
    /// A private key file; none: the agent.
    pub key: Option<PathBuf>,
    /// The public host key, in OpenSSH format.
    pub host_key: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Kubernetes {
    /// Without a leading `v`.
    pub version: String,
    pub pod_network: Ipv4Net,
    pub service_network: Ipv4Net,
    pub cni: Cni,
    /// Merged into kubeadm's `ClusterConfiguration`.
    pub kubeadm: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Cni {
    Flannel,
    /// The user's own manifests, applied in order.
    None {
        manifests: Vec<PathBuf>,
    },
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Provision {
    /// Playbooks run after seedbed's own.
    pub playbooks: Vec<PathBuf>,
    pub variables: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Gitops {
    /// A directory or a Git repository.
    pub source: PathBuf,
    pub branch: String,
    /// The folder in the repository that the first Kustomization applies.
    pub path: String,
    pub host: GitHost,
    pub dirty: Dirty,
    /// In the cluster before its first sync.
    pub secrets: Vec<Secret>,
    /// The Secret in flux-system whose age keys Flux decrypts with.
    pub decryption: Option<String>,
}

/// A Secret, and where its values are read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Secret {
    pub name: String,
    pub namespace: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub data: BTreeMap<String, SecretSource>,
}

/// Where a secret's value is read from; it is never in the spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretSource {
    Environment(String),
    File(PathBuf),
    /// A program, with its path where one was written, and its arguments.
    Command(Vec<String>),
}

/// A registry on the first control plane, for images of the user's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Registry {
    /// Bytes of its volume; none on machines that exist, where a directory does.
    pub size: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum GitHost {
    /// A bare repository on the first control plane, over SSH.
    Embedded,
    /// Any `ssh://` or `https://` repository.
    Url { url: String, credentials: Option<Credentials> },
}

/// Where a credential is read from; its value is never in the spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Credentials {
    Environment(String),
    File(PathBuf),
}

/// What to do with changes that are not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Dirty {
    /// Seed HEAD, and warn.
    Warn,
    /// Seed a commit with them on top of HEAD.
    Include,
}

#[derive(Clone, Debug, Serialize)]
pub struct Artifacts {
    pub source: ArtifactSource,
    /// Base URLs, rewritten from the key to the value.
    pub mirrors: BTreeMap<String, String>,
    /// Local files in the place of artifacts.
    pub overrides: BTreeMap<String, PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArtifactSource {
    /// Upstream, else build.
    Auto,
    Upstream,
    Mirror,
    Build,
}

impl Cluster {
    /// The state directory, `.seedbed/<cluster>` beside the spec.
    pub fn state(&self) -> PathBuf {
        self.directory.join(".seedbed").join(&self.name)
    }

    /// Says that it lacks the repository that a command is about.
    pub fn without_repository(&self) -> Failure {
        Failure::invalid(format!("{} names no repository", self.file.display()))
            .hint("Add `gitops: {source: DIRECTORY}` to it, and run `seedbed up`.")
    }

    pub fn control_planes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.role == Role::ControlPlane)
    }
}
