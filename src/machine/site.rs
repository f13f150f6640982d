//! Reads the ground: KVM, processors, memory, and the networks in use.

use std::net::Ipv4Addr;
use std::path::Path;

use engine::failure::Result;
use ipnet::Ipv4Net;
use libvirt_protocol::{Domain, DomainState};
use uuid::Uuid;

use super::machines::memory;
use super::network::ranges;
use super::owner;
use super::provider::Provider;
use crate::plan::{Kvm, Site};

impl Provider {
    /// Reads the ground for a cluster; `id` is that of the cluster, if it has been made before.
    pub async fn site(&self, id: Option<Uuid>) -> Result<Site> {
        self.site_of(id.as_slice()).await
    }

    /// Reads the ground as it will be without some clusters.
    pub async fn site_without(&self, ids: &[Uuid]) -> Result<Site> {
        Ok(Site { own_network: None, own_bridge: None, ..self.site_of(ids).await? })
    }

    async fn site_of(&self, ids: &[Uuid]) -> Result<Site> {
        let (networks, domains) = futures::try_join!(self.networks(), self.domains())?;
        let own = networks.iter().filter_map(|network| {
            let (mark, found) = owner::network(network)?;
            ids.contains(&mark.id).then_some(found)
        });
        let own: Vec<_> = own.collect();
        let others = networks.iter().filter(|network| own.iter().all(|own| own.name != network.name));
        let (ranges_in_use, mut bridges): (Vec<_>, Vec<_>) =
            others.map(|network| (ranges(&network.xml), network.bridge.clone())).unzip();
        let own_bridges: Vec<&str> = own.iter().filter_map(|own| own.bridge.as_deref()).collect();
        bridges.extend(local_bridges().into_iter().map(Some));
        let mut bridges: Vec<String> =
            bridges.into_iter().flatten().filter(|name| !own_bridges.contains(&name.as_str())).collect();
        bridges.sort();
        bridges.dedup();
        let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
        Ok(Site {
            kvm: self.kvm(),
            cpus: self.connection.cpus,
            // What this cluster's machines hold already is theirs: the second `up` must not refuse itself.
            memory_free: self.memory_free() + held(&domains, ids),
            routes: routes_in(&routes, &own_bridges),
            networks: ranges_in_use.concat(),
            own_network: own.first().and_then(|own| own.range),
            own_bridge: own.first().and_then(|own| own.bridge.clone()),
            bridges,
        })
    }

    /// Whether the hypervisor is on this machine.
    pub(super) fn is_local(&self) -> bool {
        // `qemu:///system` names no host; `qemu+ssh://host/system` does.
        self.uri.split_once("://").is_none_or(|(_, rest)| rest.starts_with('/'))
    }

    /// Whether the machine's own kernel trusts its time stamp counters, so that an emulated one may, too.
    pub(super) fn steady_clock(&self) -> bool {
        let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        self.is_local() && std::fs::read_to_string(source).is_ok_and(|source| source.trim() == "tsc")
    }

    fn kvm(&self) -> Kvm {
        if self.is_local() {
            return local_kvm();
        }
        // There is only libvirt's word for it.
        if self.connection.capabilities.contains("<domain type='kvm'") { Kvm::Works } else { Kvm::Absent }
    }

    /// What machines can have. The kernel's estimate counts caches as free, libvirt's does not.
    fn memory_free(&self) -> u64 {
        let own = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        self.is_local().then(|| available(&own)).flatten().unwrap_or(self.connection.memory_free)
    }
}

/// The memory of the clusters' machines that run, in bytes.
fn held(domains: &[Domain], ids: &[Uuid]) -> u64 {
    let runs = |domain: &&Domain| !matches!(domain.state, DomainState::Off | DomainState::Crashed);
    let own = |domain: &&Domain| owner::mark_of(&domain.xml).is_some_and(|mark| ids.contains(&mark.id));
    domains.iter().filter(runs).filter(own).filter_map(|domain| memory(&domain.xml)).sum()
}

/// Whether KVM works on this machine.
pub fn local_kvm() -> Kvm {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    kvm(Path::new("/dev/kvm").exists(), &cpuinfo)
}

/// Judges KVM: a device that opens is not enough, as a paravirtual nested KVM cannot run a stock kernel.
pub fn kvm(device: bool, cpuinfo: &str) -> Kvm {
    if !device {
        return Kvm::Absent;
    }
    let mut flags = cpuinfo.lines().filter_map(|line| line.strip_prefix("flags")).flat_map(str::split_whitespace);
    if flags.any(|flag| flag == "vmx" || flag == "svm") {
        return Kvm::Works;
    }
    Kvm::Broken("/dev/kvm is there, and the CPU has neither vmx nor svm: a stock kernel would not run".into())
}

/// Reads `MemAvailable` from /proc/meminfo, in bytes.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// Reads the ranges that there are routes to from /proc/net/route, without the default route and those
/// through the cluster's own bridges.
fn routes_in(table: &str, own_bridges: &[&str]) -> Vec<Ipv4Net> {
    let mut routes: Vec<Ipv4Net> = table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [interface, destination, _, _, _, _, _, mask, ..] = fields[..] else { return None };
            let range = Ipv4Net::with_netmask(address(destination)?, address(mask)?).ok()?;
            (!own_bridges.contains(&interface) && range.prefix_len() > 0).then_some(range)
        })
        .collect();
    routes.sort();
    routes.dedup();
    routes
}

/// An address as the kernel prints it: the bytes as one hexadecimal number of this machine's order.
fn address(text: &str) -> Option<Ipv4Addr> {
    u32::from_str_radix(text, 16).ok().map(|number| Ipv4Addr::from(number.to_ne_bytes()))
}

fn local_bridges() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/sys/class/net") else { return Vec::new() };
    let bridges = entries.flatten().filter(|entry| entry.path().join("bridge").is_dir());
    bridges.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_without_the_flags_is_broken() {
        assert_eq!(kvm(false, "flags\t\t: fpu vmx"), Kvm::Absent);
        assert_eq!(kvm(true, "flags\t\t: fpu vmx ssse3"), Kvm::Works);
        assert!(matches!(kvm(true, "flags\t\t: fpu ssse3 hypervisor"), Kvm::Broken(_)));
    }

    #[test]
    fn own_routes_and_the_default_route_are_left_out() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
                     eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                     eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
                     sb-one\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(routes_in(table, &["sb-one"]), ["192.168.2.0/24".parse().unwrap()]);
        assert_eq!(routes_in(table, &[]).len(), 2);
    }

    #[test]
    fn caches_count_as_free() {
        let text = "MemTotal:       24684092 kB\nMemFree:         1 kB\nMemAvailable:   1000 kB\n";
        assert_eq!(available(text), Some(1_024_000));
    }

    #[test]
    fn ranges_are_read_in_both_notations() {
        let xml = "<network><name>n</name><ip address='10.7.0.1' prefix='16'/>\
                   <ip address='192.168.122.1' netmask='255.255.255.0'/><ip family='ipv6' address='fd00::1' prefix='64'/></network>";
        assert_eq!(ranges(xml), ["10.7.0.0/16".parse().unwrap(), "192.168.122.0/24".parse().unwrap()]);
    }
}
