//! One entry of the nodes section.

use crate::spec::cluster;
use crate::spec::read::{record, words};
use crate::spec::value::{Address, Label, Size};

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
        /// An existing machine's ed25519 host key, as in its `/etc/ssh/ssh_host_ed25519_key.pub`.
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
