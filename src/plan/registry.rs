//! The embedded registry of the plan.

use std::net::Ipv4Addr;

use serde::Serialize;

use crate::spec::Registry;

/// Its port, on the first control plane.
const PORT: u16 = 5000;
/// Where the images lie: a directory, or where their volume is mounted.
pub const DIRECTORY: &str = "/srv/registry";

/// The registry on the first control plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegistryPlan {
    /// Its one name everywhere, `ADDRESS:PORT`: in image references, on nodes, for Flux and for pushes.
    pub name: String,
    /// Bytes of its volume; none on machines that exist, where a directory does.
    pub size: Option<u64>,
}

impl RegistryPlan {
    /// Plans it at the address of the first control plane.
    pub fn at(address: Ipv4Addr, registry: &Registry) -> Self {
        Self { name: format!("{address}:{PORT}"), size: registry.size }
    }

    /// The port in its name.
    pub const fn port(&self) -> u16 {
        PORT
    }
}
