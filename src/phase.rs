//! The phases of `up`, in order.

pub mod claim;
pub mod gitops;
pub mod ground;
pub mod kubernetes;
pub mod play;
pub mod provision;
pub mod ready;
pub mod registry;
pub mod uncut;

use serde::{Deserialize, Serialize};

/// A phase; `--until` ends every node's path after one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Everything that is needed is in the store.
    Artifacts,
    /// The machines run.
    Machines,
    /// Each host answers over SSH with its planned key.
    Connect,
    /// Each host is prepared: kernel, containerd, kubelet, images.
    Provision,
    /// Each node is Ready in Kubernetes.
    Kubernetes,
    /// Flux runs and the repository is seeded.
    Gitops,
    /// Everything in the repository is Ready.
    Ready,
    /// Every check of the spec holds.
    Checks,
}

impl Phase {
    pub const ALL: [Self; 8] = [
        Self::Artifacts,
        Self::Machines,
        Self::Connect,
        Self::Provision,
        Self::Kubernetes,
        Self::Gitops,
        Self::Ready,
        Self::Checks,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Artifacts => "artifacts",
            Self::Machines => "machines",
            Self::Connect => "connect",
            Self::Provision => "provision",
            Self::Kubernetes => "kubernetes",
            Self::Gitops => "gitops",
            Self::Ready => "ready",
            Self::Checks => "checks",
        }
    }
}
