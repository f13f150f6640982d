//! The spec: what the user wrote, checked and converted once into what the program uses.

mod cluster;

pub use cluster::{
    ArtifactSource, Artifacts, Cluster, Cni, Credentials, Dirty, Emulation, Existing, GitHost, Gitops, Kubernetes,
    Machines, Network, Node, Provider, Provision, Role,
};
