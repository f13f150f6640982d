//! libvirt's objects as plain data.

use serde::{Deserialize, Serialize};

/// What an opened connection leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// `QEMU`, `TEST`.
    pub driver: String,
    pub hostname: String,
    /// libvirt's version as a number: major × 1,000,000 + minor × 1,000 + release.
    pub version: u32,
    /// The hypervisor's version in the same form; 0 where the driver does not say.
    pub hypervisor: u32,
    /// Logical CPUs of the hypervisor's machine.
    pub cpus: u32,
    /// Bytes.
    pub memory: u64,
    /// Bytes; 0 where the driver does not say.
    pub memory_free: u64,
    /// The capabilities document, verbatim.
    pub capabilities: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    pub name: String,
    pub uuid: String,
    pub state: DomainState,
    /// The definition that the next start uses, verbatim.
    pub xml: String,
}

/// What a domain does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DomainState {
    Running,
    /// Also: blocked by a disk error, or suspended by the guest.
    Paused,
    ShuttingDown,
    Off,
    Crashed,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub name: String,
    pub uuid: String,
    pub active: bool,
    /// None for networks that have no bridge.
    pub bridge: Option<String>,
    /// Verbatim.
    pub xml: String,
}

/// An address that a network's DHCP server gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub mac: String,
    pub address: String,
    pub hostname: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    pub name: String,
    pub uuid: String,
    pub active: bool,
    /// Bytes; 0 where it is not active.
    pub capacity: u64,
    /// Bytes; 0 where it is not active.
    pub available: u64,
    /// Verbatim.
    pub xml: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    pub name: String,
    /// Where the hypervisor finds it.
    pub path: String,
    /// Bytes that the guest sees.
    pub capacity: u64,
    /// Bytes on the disk.
    pub allocation: u64,
}
