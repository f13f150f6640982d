//! Turns libvirt's errors into failures that say what to do next.

use std::path::Path;

use engine::failure::{Failure, Kind};
use libvirt_protocol::{Code, Error};

use super::client::Trouble;
use super::owner::ClusterFound;

/// What mends a workstation without libvirt.
pub const INSTALL: &str =
    "apt-get install --yes libvirt0 libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils dnsmasq-base";

impl ClusterFound {
    /// Refuses it as the spec's: a name is no proof, another checkout of the same project has the same.
    pub fn elsewhere(&self) -> Failure {
        let file = self.file.as_deref().unwrap_or(Path::new("another spec")).display();
        Failure::refused(format!("a cluster {} exists, and it was not made from here", self.name))
            .cause(format!("its machines (id {}) were made from {file}", self.id))
            .hint("Run the command there, or give this cluster another name (`cluster:` in the spec).")
    }
}

impl Trouble {
    /// The code, where libvirt gave one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Libvirt(error) => Some(error.code),
            Self::Silent(_) | Self::Gone(_) => None,
        }
    }

    /// A failure: `what` says what was tried.
    pub fn failure(self, what: impl Into<String>) -> Failure {
        let what = what.into();
        match self {
            Self::Libvirt(error) => of(&error, what),
            Self::Silent(patience) => Failure::new(Kind::Step, what)
                .cause(format!("libvirt did not answer within {} s", patience.as_secs()))
                .hint("See whether libvirtd hangs: `virsh list` should answer at once; else restart it."),
            Self::Gone(text) if text.contains("error while loading shared libraries") => {
                Failure::refused("libvirt's library is not installed").cause(text).hint(format!("Run `{INSTALL}`."))
            }
            Self::Gone(text) => Failure::new(Kind::Step, what)
                .cause("seedbed-libvirt ended")
                .evidence(if text.is_empty() { "it wrote nothing".into() } else { text }),
        }
    }
}

fn of(error: &Error, what: String) -> Failure {
    let message = &error.message;
    let failure = match error.code {
        Code::NoConnection | Code::Denied | Code::Unsupported => Failure::refused(what),
        _ if full(message) => Failure::refused(what),
        _ => Failure::step(what),
    };
    let failure = failure.cause(message);
    match error.code {
        Code::Denied => {
            failure.hint("Join the group that may use libvirt, then log in again: `sudo adduser $USER libvirt`.")
        }
        Code::NoConnection => failure
            .hint("Start libvirt: `sudo systemctl start libvirtd`.")
            .hint(format!("If it is not installed: `{INSTALL}`.")),
        _ if full(message) => failure.hint("Free space in libvirt's image directory, or ask for smaller disks."),
        _ if message.contains("dnsmasq") => failure.hint("Run `apt-get install --yes dnsmasq-base`."),
        _ if message.contains("bridge name") && message.contains("in use") => {
            failure.hint("Remove the network that has this bridge, or name another cluster.")
        }
        _ => failure,
    }
}

fn full(message: &str) -> bool {
    let signs = ["No space left", "Not enough free space", "Disk quota exceeded"];
    signs.iter().any(|sign| message.contains(sign))
}
