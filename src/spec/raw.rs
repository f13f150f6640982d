//! The spec as the user writes it. Doc comments here are the descriptions in `seedbed.schema.json`.

mod check;
mod evaluate;
mod gitops;
mod kubernetes;
mod machines;
mod node;
mod registry;

pub use check::{Check, Condition, Http, Metric};
pub use evaluate::{Evaluate, Limits, Rollout};
pub use gitops::{Credentials, Gitops, Host, Secret, SecretSource};
pub use kubernetes::{Cni, Kubernetes};
pub use machines::{Machines, Network, ProviderWord, Ssh};
pub use node::Node;
pub use registry::Registry;

use super::cluster;
use super::read::{Free, Named, Placed, record, words};
use super::value::Label;

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
        /// `embedded` puts a registry for your own images on the control plane. Without it, there is none.
        registry: Registry,
        /// What must hold once everything is Ready; asked by `up` and `evaluate`.
        checks: Vec<Placed<Check>>,
        /// How `seedbed evaluate` measures the release process.
        evaluate: Evaluate,
        /// Where binaries, images and manifests come from.
        artifacts: Artifacts,
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
