//! What can be asked, and what is answered.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::object::{Connection, Domain, Lease, Network, Pool, Volume};

/// What to do. Everything but `Open` needs an opened connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Answers `Connection`.
    Open {
        uri: String,
    },
    /// Answers `Domains`: all of them, also those that are off.
    Domains,
    /// Answers `Networks`: all of them, also inactive ones.
    Networks,
    /// Answers `Pools`: all of them, also inactive ones.
    Pools,
    /// Answers `Volumes` of an active pool, after a look at its directory.
    Volumes {
        pool: String,
    },
    /// Answers `Leases`.
    Leases {
        network: String,
    },
    /// Defines an object from XML.
    Define {
        subject: Subject,
        xml: String,
    },
    /// Starts a defined object.
    Start {
        subject: Subject,
        name: String,
    },
    /// Ends a domain at once, stops a network or a pool. What it is defined as stays.
    Stop {
        subject: Subject,
        name: String,
    },
    /// Forgets an object's definition.
    Undefine {
        subject: Subject,
        name: String,
    },
    /// Makes a pool's directory.
    BuildPool {
        name: String,
    },
    /// Removes a pool's directory, which must be empty.
    DeletePool {
        name: String,
    },
    /// Answers `Volume`.
    CreateVolume {
        pool: String,
        xml: String,
    },
    /// Sends a local file into a volume; holes in the file stay holes where the driver can.
    Upload {
        pool: String,
        volume: String,
        file: PathBuf,
    },
    /// Sends bytes into a volume.
    Write {
        pool: String,
        volume: String,
        /// In base64.
        content: String,
    },
    /// Answers `Content`: the last bytes of a volume, at most this many.
    Tail {
        pool: String,
        volume: String,
        bytes: u64,
    },
    DeleteVolume {
        pool: String,
        volume: String,
    },
    /// Adds a static DHCP entry to a network, running and defined.
    AddHost {
        network: String,
        xml: String,
    },
    /// Takes a device out of a domain, running and defined.
    DetachDevice {
        domain: String,
        xml: String,
    },
}

/// A kind of object that is defined and started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    Domain,
    Network,
    Pool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is done, and there is nothing to say.
    Nothing,
    Connection(Connection),
    Domains(Vec<Domain>),
    Networks(Vec<Network>),
    Pools(Vec<Pool>),
    Volumes(Vec<Volume>),
    Leases(Vec<Lease>),
    Volume(Volume),
    /// In base64.
    Content(String),
}
