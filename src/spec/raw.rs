//! The spec as the user writes it. Doc comments here are the descriptions in `seedbed.schema.json`.

use schemars::JsonSchema;

use super::cluster;
use super::problems::Problems;
use super::read::{Free, Named, Placed, Read, record, words};
use super::tree::{Node as Tree, Value};
use super::value::{Address, Label, Range, Size, Version};

record! {
    /// A cluster: its machines, its Kubernetes and the repository that it is synced to.
    Spec {
        /// The cluster's name, a DNS label of at most 40 characters.
        #[schemars(required, example = &"quickstart")]
        cluster: Label,
        /// Where the machines come from. Without it: libvirt on this workstation.
        machines: Machines,
        /// The nodes. Exactly one is a control plane.
        #[schemars(required, length(min = 1))]
        nodes: Vec<Placed<Node>>,
        /// What Kubernetes looks like.
        kubernetes: Kubernetes,
        /// What else is done to each machine.
        provision: Provision,
        /// The repository that the cluster is synced to. Without it, `up` ends with a bare Kubernetes.
        gitops: Gitops,
        /// Where binaries, images and manifests come from.
        artifacts: Artifacts,
    }
}

record! {
    /// Where the machines come from.
    Machines {
        /// `libvirt` makes virtual machines; `existing` takes machines that are there. Default: libvirt.
        provider: Provider,
        /// The libvirt connection. Default: qemu:///system.
        #[schemars(example = "qemu+ssh://root@hypervisor/system")]
        uri: String,
        /// The machine image, a name in `vm-images/`. Default: debian-13.
        image: String,
        /// `auto` chooses a free range once; a range makes a NAT network with it; a bridge uses an existing network.
        network: Network,
        /// Whether machines may be emulated where KVM does not work. Emulated machines are about ten times slower. Default: refuse.
        emulation: Emulation,
        /// Who may log in.
        ssh: Ssh,
    }
}

words! {
    /// Where machines come from.
    Provider {
        /// Virtual machines that seedbed makes.
        Libvirt = "libvirt" => Self::Libvirt,
        /// Machines that are there.
        Existing = "existing" => Self::Existing,
    } -> ProviderWord
}

/// The provider without what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderWord {
    Libvirt,
    Existing,
}

words! {
    /// Whether machines may be emulated.
    Emulation {
        Refuse = "refuse" => Self::Refuse,
        Allow = "allow" => Self::Allow,
    } -> cluster::Emulation
}

/// The network of the machines.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Network {
    Auto(Auto),
    Range(Range),
    Bridge(Bridge),
}

/// A NAT network whose range is chosen once.
#[derive(Clone, Copy, Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Auto {
    Auto,
}

record! {
    /// An existing bridge with static addresses.
    Bridge {
        /// The bridge's interface name.
        #[schemars(required, example = &"br0")]
        bridge: String,
        /// The network's range. Its first address is the gateway; nodes get the tenth and following ones.
        #[schemars(required, example = "192.168.50.0/24")]
        addresses: Range,
    }
}

impl Read for Network {
    fn read(node: &Tree, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.value {
            Value::Mapping(_) => Bridge::read(node, problems).map(Self::Bridge),
            Value::Scalar { text, .. } if text.contains('/') || text.starts_with(|c: char| c.is_ascii_digit()) => {
                Range::read(node, problems).map(Self::Range)
            }
            Value::Scalar { text, .. } if text == "auto" => Some(Self::Auto(Auto::Auto)),
            _ => {
                super::read::wrong_type(node, "`auto`, a range like 10.20.30.0/24, or a bridge", problems);
                None
            }
        }
    }
}

record! {
    /// Who may log in to machines that seedbed makes.
    Ssh {
        /// OpenSSH public keys beside the one that seedbed generates.
        #[schemars(example = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI... you@workstation"])]
        authorized_keys: Vec<Placed<String>>,
    }
}

record! {
    /// One node, or several of a kind.
    Node {
        /// The node's name, a DNS label. With `count`, names are numbered from 1: worker-1, worker-2.
        #[schemars(required, example = &"worker")]
        name: Label,
        /// What the node does.
        #[schemars(required)]
        role: Role,
        /// How many such nodes. Default: 1.
        #[schemars(range(min = 1, max = 100))]
        count: u32,
        /// Virtual processors; a control plane needs 2. Default: 2.
        #[schemars(range(min = 1, max = 1024))]
        cpus: u32,
        /// Memory with its unit; a control plane needs 2GiB, a worker 1GiB. Default: 4GiB and 2GiB.
        memory: Size,
        /// Disk with its unit, at least 8GiB; grows as it is used. Default: 20GiB.
        disk: Size,
        /// An existing machine's IPv4 address.
        #[schemars(example = "192.168.1.20")]
        address: Address,
        /// An existing machine's SSH port. Default: 22.
        #[schemars(range(min = 1, max = 65535))]
        port: u16,
        /// The user to log in to an existing machine as; needs sudo unless it is root. Default: root.
        user: String,
        /// A private key file for an existing machine. Without it, the SSH agent is asked.
        key: String,
        /// An existing machine's ed25519 host key, as in its /etc/ssh/ssh_host_ed25519_key.pub.
        #[schemars(example = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...")]
        host_key: String,
    }
}

words! {
    /// What a node does.
    Role {
        /// Runs the Kubernetes API. In a cluster without workers it runs pods, too.
        ControlPlane = "control-plane" => Self::ControlPlane,
        /// Runs pods.
        Worker = "worker" => Self::Worker,
    } -> cluster::Role
}

record! {
    /// What Kubernetes looks like.
    Kubernetes {
        /// The version as a quoted text. Default: the newest that this seedbed knows.
        #[schemars(example = "1.36.3")]
        version: Version,
        /// The pods' range, /24 or larger; each node gets a /24 of it. Default: 10.244.0.0/16.
        pod_network: Range,
        /// The services' range, /12 to /28. Default: 10.96.0.0/12.
        service_network: Range,
        /// `flannel`, or `none` with the manifests of another network plugin. Default: flannel.
        cni: Cni,
        /// Merged into kubeadm's ClusterConfiguration (v1beta4).
        #[schemars(example = serde_json::json!({"apiServer": {"extraArgs": [{"name": "audit-log-maxage", "value": "7"}]}}))]
        kubeadm: Named<Free>,
    }
}

/// The network plugin.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Cni {
    Flannel(Flannel),
    None(OwnCni),
}

/// flannel. It enforces no NetworkPolicy.
#[derive(Clone, Copy, Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Flannel {
    Flannel,
}

record! {
    /// Another network plugin.
    OwnCni {
        /// Manifest files, applied in order.
        #[schemars(required, length(min = 1))]
        none: Vec<Placed<String>>,
    }
}

impl Read for Cni {
    fn read(node: &Tree, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.value {
            Value::Mapping(_) => OwnCni::read(node, problems).map(Self::None),
            Value::Scalar { text, .. } if text == "flannel" => Some(Self::Flannel(Flannel::Flannel)),
            _ => {
                super::read::wrong_type(node, "`flannel` or `{none: [MANIFEST]}`", problems);
                None
            }
        }
    }
}

record! {
    /// What else is done to each machine, after seedbed's own playbooks.
    Provision {
        /// Ansible-shaped playbooks, run in order.
        #[schemars(example = ["extra.yaml"])]
        playbooks: Vec<Placed<String>>,
        /// Variables for all playbooks and templates.
        variables: Named<Free>,
    }
}

record! {
    /// The repository that the cluster is synced to.
    Gitops {
        /// A directory or a Git repository on this workstation; what is in it is seeded.
        #[schemars(required, example = "./gitops")]
        source: String,
        /// The branch to seed and to follow. Default: main.
        branch: String,
        /// The folder in the repository that Flux applies first. Default: clusters/ and the cluster's name.
        #[schemars(example = "clusters/quickstart")]
        path: String,
        /// `embedded` puts the repository on the control plane; a URL names one elsewhere. Default: embedded.
        host: Host,
        /// What becomes of changes that are not committed: `warn` leaves them out, `include` seeds a commit with them. Default: warn.
        dirty: Dirty,
    }
}

/// Where the repository is served.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Host {
    Embedded(Embedded),
    Url(UrlHost),
}

/// On the first control plane, over SSH.
#[derive(Clone, Copy, Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Embedded {
    Embedded,
}

record! {
    /// A repository elsewhere.
    UrlHost {
        /// `ssh://` or `https://`.
        #[schemars(required, example = "ssh://git@git.example.org/platform/cluster.git")]
        url: String,
        /// Where the private key or the token is read from.
        credentials: Credentials,
    }
}

record! {
    /// Where a credential is read from: one of the two. The credential itself is never in the spec.
    Credentials {
        /// The name of an environment variable.
        env: String,
        /// A file.
        file: String,
    }
}

impl Read for Host {
    fn read(node: &Tree, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.value {
            Value::Mapping(_) => UrlHost::read(node, problems).map(Self::Url),
            Value::Scalar { text, .. } if text == "embedded" => Some(Self::Embedded(Embedded::Embedded)),
            _ => {
                super::read::wrong_type(node, "`embedded` or `{url: URL}`", problems);
                None
            }
        }
    }
}

words! {
    /// What becomes of changes that are not committed.
    Dirty {
        Warn = "warn" => Self::Warn,
        Include = "include" => Self::Include,
    } -> cluster::Dirty
}

record! {
    /// Where binaries, images and manifests come from.
    Artifacts {
        /// `auto`: upstream, else build. `upstream`: as published. `mirror`: only from `mirrors`. `build`: from source. Default: auto.
        source: Source,
        /// Base URLs to ask instead of others.
        #[schemars(example = serde_json::json!({"https://dl.k8s.io": "http://mirror.example.org/dl.k8s.io"}))]
        mirrors: Named<String>,
        /// Local files in the place of artifacts, by the names that `seedbed artifacts list` shows.
        #[schemars(example = serde_json::json!({"kubelet": "./build/kubelet"}))]
        overrides: Named<String>,
    }
}

words! {
    /// Where artifacts come from.
    Source {
        Auto = "auto" => Self::Auto,
        Upstream = "upstream" => Self::Upstream,
        Mirror = "mirror" => Self::Mirror,
        Build = "build" => Self::Build,
    } -> cluster::ArtifactSource
}
