//! One node of the plan.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::spec::Role;

/// A node, its host and its machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePlan {
    pub name: String,
    pub role: Role,
    /// The node's address in Kubernetes.
    pub address: Ipv4Addr,
    /// The public host key, in OpenSSH format without a comment.
    pub host_key: String,
    pub machine: MachinePlan,
}

/// The machine under a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "kebab-case")]
pub enum MachinePlan {
    Libvirt {
        /// The domain's name, `<cluster>-<node>`.
        domain: String,
        /// The domain's UUID, which is cloud-init's instance-id too.
        uuid: uuid::Uuid,
        /// `52:54:00:...`.
        mac: String,
        cpus: u32,
        /// Bytes.
        memory: u64,
        /// Bytes.
        disk: u64,
        user: String,
    },
    Existing {
        port: u16,
        user: String,
        key: Option<PathBuf>,
    },
}

impl MachinePlan {
    pub fn user(&self) -> &str {
        match self {
            Self::Libvirt { user, .. } | Self::Existing { user, .. } => user,
        }
    }

    pub fn port(&self) -> u16 {
        match self {
            Self::Libvirt { .. } => 22,
            Self::Existing { port, .. } => *port,
        }
    }
}
