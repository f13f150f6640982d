//! What a workstation needs for making machines, and what mends what is missing.

use std::path::Path;

use super::failure::INSTALL;
use super::provider::Provider;
use super::site;
use crate::plan::Kvm;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub state: State,
    /// What was found.
    pub found: String,
    /// A command that mends it.
    pub mend: Option<String>,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Good,
    /// It works, and something is worth knowing.
    Note,
    /// Machines cannot be made.
    Missing,
}

/// Where images lie; what is free there is what machines can write.
const IMAGES: &str = "/var/lib/libvirt/images";

/// The least that a small cluster needs.
const ROOM: u64 = 20 << 30;

/// Looks at everything, also where libvirt is not installed.
pub async fn checks(uri: &str) -> Vec<Check> {
    vec![
        program("qemu", "qemu-system-x86_64", "sudo apt-get install --yes qemu-system-x86"),
        program("dnsmasq", "dnsmasq", "sudo apt-get install --yes dnsmasq-base"),
        libvirt(uri).await,
        kvm(),
        room(),
    ]
}

fn check(name: &'static str, state: State, found: impl Into<String>, mend: Option<&str>) -> Check {
    Check { name, state, found: found.into(), mend: mend.map(ToOwned::to_owned) }
}

fn program(name: &'static str, program: &str, mend: &str) -> Check {
    // Daemons are called by libvirt, whose PATH has what a user's may lack.
    let own = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::split_paths(&own).chain(["/usr/sbin".into(), "/sbin".into()]);
    match paths.map(|directory| directory.join(program)).find(|path| path.is_file()) {
        Some(path) => check(name, State::Good, path.display().to_string(), None),
        None => check(name, State::Missing, format!("{program} is not installed"), Some(mend)),
    }
}

/// Opens the connection: that shows the library, the daemon and the permission at once.
async fn libvirt(uri: &str) -> Check {
    match Provider::open(uri).await {
        Ok(provider) => {
            let number = provider.connection.version;
            let version = format!("{}.{}.{}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
            check("libvirt", State::Good, format!("libvirt {version} at {uri}"), None)
        }
        Err(failure) => {
            let text = failure.to_string();
            let mend = if text.contains("Permission denied") {
                "sudo adduser $USER libvirt && newgrp libvirt".to_owned()
            } else if Path::new("/usr/sbin/libvirtd").exists() {
                "sudo systemctl start libvirtd".to_owned()
            } else {
                format!("sudo {INSTALL}")
            };
            check("libvirt", State::Missing, text, Some(&mend))
        }
    }
}

fn kvm() -> Check {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let emulation = "without KVM, machines are emulated, about ten times slower: `emulation: allow` in the spec";
    match site::kvm(Path::new("/dev/kvm").exists(), &cpuinfo) {
        Kvm::Works => check("kvm", State::Good, "it runs a stock kernel", None),
        Kvm::Absent => {
            check("kvm", State::Note, format!("no /dev/kvm; {emulation}"), Some("sudo modprobe -a kvm_intel kvm_amd"))
        }
        Kvm::Broken(why) => check("kvm", State::Note, format!("{why}; {emulation}"), None),
    }
}

fn room() -> Check {
    let directory = Path::new(IMAGES).ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
    match nix::sys::statvfs::statvfs(directory) {
        Ok(status) => {
            let free = status.blocks_available() * status.fragment_size();
            let found = format!("{} GiB free in {}", free >> 30, directory.display());
            let (state, mend) =
                if free >= ROOM { (State::Good, None) } else { (State::Note, Some("df -h /var/lib/libvirt/images")) };
            check("disk", state, found, mend)
        }
        Err(error) => check("disk", State::Note, format!("{}: {error}", directory.display()), None),
    }
}
