//! Decides, from facts alone.

use super::distribution::sudo;
use super::{Check, Daemon, Helper, Workstation};
use crate::plan::Kvm;
use crate::report::bytes;

/// Go downloads a newer toolchain by itself from this version on.
const GO: (u32, u32) = (1, 21);
/// What the artifacts of one cluster take, while they are built.
const CACHE: u64 = 12 << 30;
/// What a machine image and two nodes' disks take.
const POOLS: u64 = 10 << 30;
/// What one small node takes.
const MEMORY: u64 = 4 << 30;

/// What is fine and what is not, in the order in which it is to be mended.
pub fn checks(station: &Workstation) -> Vec<Check> {
    vec![
        helper(station),
        qemu(station),
        qemu_img(station),
        daemon(station),
        networks(station),
        kvm(station),
        program(station, "git", "git", &["git"], &["git"]),
        program(station, "ssh client", "ssh", &["openssh-client"], &["openssh-clients"]),
        program(station, "mke2fs", "mke2fs", &["e2fsprogs"], &["e2fsprogs"]),
        go(station),
        gcc(station),
        kubectl(station),
        program(station, "mmdebstrap", "mmdebstrap", &["mmdebstrap"], &["mmdebstrap"]),
        // With it, mmdebstrap needs no root.
        program(station, "newuidmap", "newuidmap", &["uidmap"], &["shadow-utils"]),
        room("room for artifacts", &station.cache, CACHE),
        room("room for disks", &station.pools, POOLS),
        memory(station),
    ]
}

fn helper(station: &Workstation) -> Check {
    let name = "libvirt library";
    match &station.helper {
        Helper::Starts => Check::fine(name, "seedbed-libvirt starts"),
        Helper::Fails(why) => {
            Check::missing(name, why).by_packages(&station.distribution, &["libvirt0"], &["libvirt-libs"])
        }
        Helper::Absent => Check::missing(name, "seedbed-libvirt is not beside seedbed")
            .by_command("cargo build --workspace, or copy both executables into one directory"),
    }
}

fn qemu(station: &Workstation) -> Check {
    let (name, debian, fedora): (_, &[_], &[_]) = match std::env::consts::ARCH {
        "aarch64" => ("qemu-system-aarch64", &["qemu-system-arm"], &["qemu-system-aarch64-core"]),
        _ => ("qemu-system-x86_64", &["qemu-system-x86"], &["qemu-system-x86-core"]),
    };
    program(station, "qemu", name, debian, fedora)
}

fn qemu_img(station: &Workstation) -> Check {
    program(station, "qemu-img", "qemu-img", &["qemu-utils"], &["qemu-img"])
}

fn daemon(station: &Workstation) -> Check {
    let name = "libvirt daemon";
    match &station.daemon {
        Daemon::Answers(socket) => Check::fine(name, socket.display().to_string()),
        Daemon::Denied(socket) => Check::missing(name, format!("no permission on {}", socket.display()))
            .by_command(format!("sudo usermod -aG libvirt {}  # and log in again", station.user)),
        Daemon::Dead(_) | Daemon::Absent if station.has("libvirtd") || station.has("virtqemud") => {
            let command = match (station.systemd, station.has("libvirtd")) {
                (true, true) => format!("{}systemctl enable --now libvirtd", sudo()),
                (true, false) => format!("{}systemctl enable --now virtqemud.socket virtnetworkd.socket", sudo()),
                (false, _) => format!("{0}virtlogd -d && {0}libvirtd -d", sudo()),
            };
            Check::missing(name, "installed, and does not run").by_command(command)
        }
        Daemon::Dead(_) | Daemon::Absent => Check::missing(name, "not installed").by_packages(
            &station.distribution,
            &["libvirt-daemon-system"],
            &["libvirt-daemon-driver-qemu", "libvirt-daemon-driver-storage-core", "libvirt-daemon-config-network"],
        ),
    }
}

fn networks(station: &Workstation) -> Check {
    program(station, "dnsmasq", "dnsmasq", &["dnsmasq-base"], &["dnsmasq"])
}

fn kvm(station: &Workstation) -> Check {
    match &station.kvm {
        Kvm::Works => Check::fine("KVM", "runs a stock kernel"),
        Kvm::Absent => Check::advice("KVM", "no /dev/kvm here: machines are emulated, ten times slower")
            .by_command("set `emulation: allow` in the spec, or enable virtualisation in the firmware"),
        Kvm::Broken(why) => {
            Check::advice("KVM", format!("does not work: {why}")).by_command("set `emulation: allow` in the spec")
        }
    }
}

fn go(station: &Workstation) -> Check {
    let name = "Go";
    match station.go {
        Some(version) if version >= GO => Check::fine(name, format!("{}.{}", version.0, version.1)),
        Some((major, minor)) => Check::missing(name, format!("{major}.{minor} is older than {}.{}", GO.0, GO.1))
            .by_command("make tools  # from seedbed's repository"),
        // Flux's RBAC and policies have no upstream of their own.
        None => Check::missing(name, "not there; some artifacts are always built").by_packages(
            &station.distribution,
            &["golang-go"],
            &["golang"],
        ),
    }
}

fn kubectl(station: &Workstation) -> Check {
    match station.programs.get("kubectl") {
        Some(path) => Check::fine("kubectl", path.display().to_string()),
        None => Check::advice("kubectl", "not there; seedbed does without, people do not").by_packages(
            &station.distribution,
            &["kubernetes-client"],
            &["kubernetes-client"],
        ),
    }
}

fn gcc(station: &Workstation) -> Check {
    if station.has("gcc") && station.static_libc {
        return Check::fine("C compiler", "links statically");
    }
    Check::advice("C compiler", "none that links statically; only building artifacts needs it").by_packages(
        &station.distribution,
        &["gcc", "libc6-dev"],
        &["gcc", "glibc-static"],
    )
}

fn program(
    station: &Workstation,
    name: &'static str,
    program: &str,
    debian: &[&'static str],
    fedora: &[&'static str],
) -> Check {
    match station.programs.get(program) {
        Some(path) => Check::fine(name, path.display().to_string()),
        None => {
            Check::missing(name, format!("{program} is not there")).by_packages(&station.distribution, debian, fedora)
        }
    }
}

fn room(name: &'static str, (path, free): &(std::path::PathBuf, u64), needed: u64) -> Check {
    let found = format!("{} free in {}", bytes(*free), path.display());
    if *free >= needed {
        return Check::fine(name, found);
    }
    Check::advice(name, format!("{found}; {} are needed the first time", bytes(needed)))
        .by_command(format!("make room in {}", path.display()))
}

fn memory(station: &Workstation) -> Check {
    let found = format!("{} available", bytes(station.memory_free));
    if station.memory_free >= MEMORY {
        return Check::fine("memory", found);
    }
    Check::advice("memory", format!("{found}; a small node takes {}", bytes(MEMORY)))
        .by_command("end what takes memory, or give the nodes less")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::{Distribution, State, install};
    use super::*;

    fn bare(distribution: Distribution) -> Workstation {
        Workstation {
            distribution,
            user: "ada".into(),
            systemd: true,
            programs: std::collections::BTreeMap::new(),
            go: None,
            static_libc: false,
            helper: Helper::Fails("libvirt.so.0: cannot open shared object file".into()),
            daemon: Daemon::Absent,
            kvm: Kvm::Absent,
            memory_free: 1 << 30,
            cache: (PathBuf::from("/home/ada/.cache/seedbed"), 1 << 30),
            pools: (PathBuf::from("/var/lib/libvirt/images"), 1 << 30),
        }
    }

    #[test]
    fn a_bare_machine_is_mended_by_one_command() {
        let command = |distribution: Distribution| {
            let checks = checks(&bare(distribution.clone()));
            assert!(checks.iter().all(|check| check.state != State::Fine && check.mend.is_some()), "{checks:#?}");
            install(&distribution, &checks).unwrap().replace("sudo ", "")
        };
        insta::assert_snapshot!(command(Distribution::Debian), @"apt-get install -y --no-install-recommends libvirt0 qemu-system-x86 qemu-utils libvirt-daemon-system dnsmasq-base git openssh-client e2fsprogs golang-go mmdebstrap uidmap");
        insta::assert_snapshot!(command(Distribution::Fedora), @"dnf install -y libvirt-libs qemu-system-x86-core qemu-img libvirt-daemon-driver-qemu libvirt-daemon-driver-storage-core libvirt-daemon-config-network dnsmasq git openssh-clients e2fsprogs golang mmdebstrap shadow-utils");
    }

    #[test]
    fn a_socket_without_permission_names_the_group() {
        let denied = Daemon::Denied("/run/libvirt/libvirt-sock".into());
        let check = daemon(&Workstation { daemon: denied, ..bare(Distribution::Debian) });
        assert_eq!(check.mend.unwrap(), "sudo usermod -aG libvirt ada  # and log in again");
    }

    #[test]
    fn a_daemon_that_is_installed_is_started() {
        let programs = [("libvirtd", PathBuf::from("/usr/sbin/libvirtd"))].into();
        let check = daemon(&Workstation { programs, ..bare(Distribution::Debian) });
        assert!(check.mend.unwrap().ends_with("systemctl enable --now libvirtd"));
    }
}
