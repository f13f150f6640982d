//! `setup`: gathers facts, in one round trip.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use super::Outcome;
use super::access;
use super::arg::{OneOrMany, arguments};
use crate::failure::Result;
use crate::host::{Command, HostView};

/// The facts that are gathered, without their `ansible_`.
pub const FACTS: &[&str] = &[
    "architecture",
    "date_time",
    "default_ipv4",
    "distribution",
    "distribution_major_version",
    "distribution_release",
    "distribution_version",
    "dns",
    "domain",
    "all_ipv4_addresses",
    "fqdn",
    "hostname",
    "interfaces",
    "kernel",
    "memfree_mb",
    "memtotal_mb",
    "nodename",
    "os_family",
    "pkg_mgr",
    "processor_vcpus",
    "processor_cores",
    "processor_nproc",
    "service_mgr",
    "swaptotal_mb",
    "system",
    "user_id",
    "virtualization_type",
    "machine_id",
    "uptime_seconds",
];

arguments! {
    /// Arguments of `setup`.
    Args {
        /// Accepted; all facts are cheap here.
        gather_subset: Option<OneOrMany<String>>,
        /// Accepted for Ansible's sake.
        gather_timeout: Option<u32>,
        /// Accepted; all facts are given.
        filter: Option<OneOrMany<String>>,
    }
}

/// Prints `name value` lines; a name may come several times.
const SCRIPT: &str = r#"
. /etc/os-release 2>/dev/null
echo "id $ID"; echo "like $ID_LIKE"; echo "name $NAME"; echo "version $VERSION_ID"; echo "codename $VERSION_CODENAME"
echo "machine $(uname -m)"; echo "kernel $(uname -r)"; echo "system $(uname -s)"; echo "node $(uname -n)"
echo "fqdn $(hostname -f 2>/dev/null || uname -n)"
echo "cpus $(nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo)"
while read -r key value rest; do echo "$key $value"; done </proc/meminfo
read -r up rest </proc/uptime && echo "uptime ${up%%.*}"
echo "user $(id -un)"
echo "epoch $(date +%s)"; echo "iso $(date -u +%Y-%m-%dT%H:%M:%SZ)"
read -r id 2>/dev/null </etc/machine-id && echo "machineid $id"
for manager in apt-get dnf yum zypper pacman apk; do command -v "$manager" >/dev/null && { echo "packages $manager"; break; }; done
if [ -d /run/systemd/system ]; then echo "service systemd"; fi
systemd-detect-virt 2>/dev/null | sed 's/^/virt /'
ip -4 route show default 2>/dev/null | sed -n '1s/^/route /p'
ip -4 -o addr show 2>/dev/null | sed 's/^/address /'
ip -o link show 2>/dev/null | sed 's/^/link /'
while read -r key value rest; do [ "$key" = nameserver ] && echo "nameserver $value"; done 2>/dev/null </etc/resolv.conf
:
"#;

pub async fn run(_args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let output = access::ask(host, Command::shell(SCRIPT)).await?;
    let mut facts = Map::new();
    let values = gathered(&output.stdout_text());
    for (name, value) in &values {
        facts.insert(format!("ansible_{name}"), value.clone());
    }
    facts.insert("ansible_facts".to_owned(), Json::Object(values.clone()));
    Ok(Outcome { facts, ..Outcome::unchanged().with("ansible_facts", values) })
}

fn gathered(text: &str) -> Map<String, Json> {
    let mut lines: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once(' ')) {
        lines.entry(name).or_default().push(value.trim());
    }
    let one = |name: &str| lines.get(name).and_then(|values| values.first()).copied().unwrap_or_default();
    let all = |name: &str| lines.get(name).map_or(&[][..], Vec::as_slice);
    let megabytes = |name: &str| one(name).parse::<u64>().unwrap_or(0) / 1024;
    let number = |name: &str| one(name).parse::<u64>().unwrap_or(0);
    let (id, version) = (one("id"), one("version"));
    let fqdn = one("fqdn");
    let service = if one("service").is_empty() { "service" } else { one("service") };
    let addresses: Vec<&str> = all("address").iter().filter_map(|line| address(line)).collect();
    let facts = json!({
        "architecture": one("machine"),
        "kernel": one("kernel"),
        "system": one("system"),
        "nodename": one("node"),
        "hostname": one("node").split('.').next().unwrap_or_default(),
        "fqdn": fqdn,
        "domain": fqdn.split_once('.').map_or("", |(_, domain)| domain),
        "distribution": distribution(id, one("name")),
        "distribution_version": version,
        "distribution_major_version": version.split('.').next().unwrap_or_default(),
        "distribution_release": one("codename"),
        "os_family": family(id, one("like")),
        "pkg_mgr": if one("packages") == "apt-get" { "apt" } else { one("packages") },
        "service_mgr": service,
        "processor_vcpus": number("cpus"),
        "processor_nproc": number("cpus"),
        "processor_cores": number("cpus"),
        "memtotal_mb": megabytes("MemTotal:"),
        "memfree_mb": megabytes("MemFree:"),
        "swaptotal_mb": megabytes("SwapTotal:"),
        "uptime_seconds": number("uptime"),
        "user_id": one("user"),
        "machine_id": one("machineid"),
        "virtualization_type": one("virt"),
        "date_time": { "epoch": one("epoch"), "iso8601": one("iso") },
        "dns": { "nameservers": all("nameserver") },
        "interfaces": interfaces(all("link")),
        "all_ipv4_addresses": addresses,
        "default_ipv4": default_ipv4(one("route"), all("address"), all("link")),
    });
    match facts {
        Json::Object(facts) => facts,
        _ => Map::new(),
    }
}

/// Ansible's spelling of a distribution.
fn distribution(id: &str, name: &str) -> String {
    match id {
        "debian" => "Debian",
        "ubuntu" => "Ubuntu",
        "fedora" => "Fedora",
        "centos" => "CentOS",
        "rocky" => "Rocky",
        "almalinux" => "AlmaLinux",
        "alpine" => "Alpine",
        "rhel" => "RedHat",
        _ => name,
    }
    .to_owned()
}

fn family(id: &str, like: &str) -> &'static str {
    let is = |word: &str| id == word || like.split(' ').any(|other| other == word);
    match () {
        () if is("debian") => "Debian",
        () if is("rhel") || is("fedora") => "RedHat",
        () if is("suse") => "Suse",
        () if is("arch") => "Archlinux",
        () if is("alpine") => "Alpine",
        () => "Linux",
    }
}

/// The address in a line of `ip -4 -o addr`, except loopback's.
fn address(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| *word != "inet").skip(1);
    let address = words.next()?.split('/').next()?;
    (!address.starts_with("127.")).then_some(address)
}

fn interfaces(links: &[&str]) -> Vec<String> {
    let name = |line: &&str| {
        line.split_whitespace()
            .nth(1)
            .map(|name| name.trim_end_matches(':').split('@').next().unwrap_or(name).to_owned())
    };
    links.iter().filter_map(name).collect()
}

fn default_ipv4(route: &str, addresses: &[&str], links: &[&str]) -> Json {
    let after =
        |line: &str, word: &str| line.split_whitespace().skip_while(|other| *other != word).nth(1).map(str::to_owned);
    let Some(interface) = after(route, "dev") else { return json!({}) };
    let line = addresses.iter().find(|line| line.split_whitespace().nth(1) == Some(&interface));
    let network = line.and_then(|line| after(line, "inet")).unwrap_or_default();
    let (address, prefix) = network.split_once('/').unwrap_or((&network, ""));
    let address = after(route, "src").unwrap_or_else(|| address.to_owned());
    let name = |line: &str| line.split_whitespace().nth(1).map(|name| name.trim_end_matches(':').to_owned());
    let hardware = links.iter().find(|line| name(line).is_some_and(|name| name.split('@').next() == Some(&interface)));
    json!({
        "address": address,
        "gateway": after(route, "via").unwrap_or_default(),
        "interface": interface,
        "prefix": prefix,
        "macaddress": hardware.and_then(|line| after(line, "link/ether")).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_address_is_that_of_the_route() {
        let text = "route default via 10.0.0.1 dev eth0 proto dhcp metric 100\n\
                    address 1: lo    inet 127.0.0.1/8 scope host lo\n\
                    address 2: eth0    inet 10.0.0.7/24 brd 10.0.0.255 scope global eth0\n\
                    link 2: eth0: <UP> mtu 1500 link/ether 52:54:00:aa:bb:cc brd ff:ff:ff:ff:ff:ff\n\
                    id debian\nMemTotal: 2048000\n";
        let facts = gathered(text);
        assert_eq!(facts["default_ipv4"]["address"], "10.0.0.7");
        assert_eq!(facts["default_ipv4"]["gateway"], "10.0.0.1");
        assert_eq!(facts["default_ipv4"]["macaddress"], "52:54:00:aa:bb:cc");
        assert_eq!(facts["all_ipv4_addresses"], json!(["10.0.0.7"]));
        assert_eq!((&facts["os_family"], &facts["memtotal_mb"]), (&json!("Debian"), &json!(2000)));
    }

    #[test]
    fn every_fact_is_announced() {
        let facts = gathered("");
        let mut found: Vec<&str> = facts.keys().map(String::as_str).collect();
        let mut announced = FACTS.to_vec();
        found.sort_unstable();
        announced.sort_unstable();
        assert_eq!(found, announced);
    }
}
