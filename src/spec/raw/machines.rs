//! The machines section.

use schemars::JsonSchema;

use crate::spec::cluster;
use crate::spec::problems::Problems;
use crate::spec::read::{Placed, Read, record, words, wrong_type};
use crate::spec::tree::{Node as Tree, Value};
use crate::spec::value::Range;

record! {
    /// Where the machines come from.
    Machines {
        /// `libvirt` makes virtual machines; `existing` takes machines that are there. Default: libvirt.
        provider: Provider,
        /// The libvirt connection. Default: `qemu:///system`.
        #[schemars(example = "qemu+ssh://root@hypervisor/system")]
        uri: String,
        /// The machine image, a name in `vm-images/`. Default: debian-13.
        image: String,
        /// `auto` chooses a free range once; a range makes a NAT network with it; a bridge uses an existing network.
        network: Network,
        /// Whether machines may be emulated where KVM does not work. Emulated machines are about ten times slower. Of machines that exist: whether they are emulated, and need settings for slow machines. Default: refuse.
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
    Bridge(Bridged),
}

/// A NAT network whose range is chosen once.
#[derive(Clone, Copy, Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Auto {
    Auto,
}

record! {
    /// An existing bridge with static addresses.
    Bridged {
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
            Value::Mapping(_) => Bridged::read(node, problems).map(Self::Bridge),
            Value::Scalar { text, .. } if text.contains('/') || text.starts_with(|c: char| c.is_ascii_digit()) => {
                Range::read(node, problems).map(Self::Range)
            }
            Value::Scalar { text, .. } if text == "auto" => Some(Self::Auto(Auto::Auto)),
            _ => {
                wrong_type(node, "`auto`, a range like 10.20.30.0/24, or a bridge", problems);
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
