//! The `NoCloud` seed: what cloud-init is told at the first boot.
//!
//! The documents are JSON, which is YAML: nothing needs quoting rules.
//! See <https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html>.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::{Value, json};
use uuid::Uuid;

use super::iso;
use crate::plan::{NodePlan, Plan};

/// What a machine is told about itself.
pub struct Seed<'a> {
    pub hostname: &'a str,
    /// The login that has sudo.
    pub user: &'a str,
    /// In OpenSSH format.
    pub authorized_keys: &'a [String],
    /// The private host key, in OpenSSH format. A secret.
    pub host_key: &'a str,
    /// The public host key, in OpenSSH format.
    pub host_public_key: &'a str,
    /// The workstation's address as the machine sees it: sshd must not penalise it for connecting often.
    /// Only for images with OpenSSH 9.8 or later; an older sshd would not start.
    pub exempt: Option<Ipv4Addr>,
}

/// How a machine gets its address.
#[derive(Clone, Copy, Debug)]
pub enum Addressing {
    /// From the network's DHCP server, which has an entry for the machine.
    Dhcp,
    /// On a bridge that somebody else runs.
    Static { address: Ipv4Addr, range: Ipv4Net, gateway: Ipv4Addr },
}

/// Keeps systemd-networkd from removing the routes of the pod network when it restarts.
const NETWORKD: &str = "[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n";

/// Images whose sshd penalises sources that connect often (OpenSSH 9.8 and later), and so can exempt some.
const PENALISING: [&str; 1] = ["debian-13"];

impl<'a> Seed<'a> {
    /// The seed of a node, with its private host key.
    pub fn of(plan: &'a Plan, node: &'a NodePlan, host_key: &'a str) -> Self {
        // On a NAT network, the workstation has the gateway's address.
        let gateway = plan.network.as_ref().filter(|network| network.name.is_some()).map(|network| network.gateway);
        Self {
            hostname: &node.name,
            user: node.machine.user(),
            authorized_keys: &plan.authorized_keys,
            host_key,
            host_public_key: &node.host_key,
            exempt: gateway.filter(|_| PENALISING.contains(&plan.image.as_str())),
        }
    }

    /// Writes the seed as an ISO 9660 image.
    pub fn image(&self, instance: Uuid, mac: &str, addressing: Addressing) -> Vec<u8> {
        let meta = json!({ "instance-id": instance, "local-hostname": self.hostname });
        let network = network(mac, addressing);
        let user = format!("#cloud-config\n{:#}\n", self.user_data());
        iso::image(
            "cidata",
            &[
                ("meta-data", format!("{meta:#}\n").as_bytes()),
                ("network-config", format!("{network:#}\n").as_bytes()),
                ("user-data", user.as_bytes()),
            ],
        )
    }

    fn user_data(&self) -> Value {
        json!({
            "hostname": self.hostname,
            "users": [{
                "name": self.user,
                "shell": "/bin/bash",
                "lock_passwd": true,
                "sudo": ["ALL=(ALL) NOPASSWD:ALL"],
                "ssh_authorized_keys": self.authorized_keys,
            }],
            "disable_root": true,
            "ssh_pwauth": false,
            // The planned host key and no other: clients that know it must not be offered one they do not.
            "ssh_deletekeys": true,
            "ssh_genkeytypes": [],
            "ssh_keys": { "ed25519_private": self.host_key, "ed25519_public": self.host_public_key },
            "ssh": { "emit_keys_to_console": false },
            "no_ssh_fingerprints": true,
            "package_update": false,
            "package_upgrade": false,
            "write_files": [
                file("/etc/systemd/networkd.conf.d/10-seedbed.conf", NETWORKD),
                file("/etc/ssh/sshd_config.d/10-seedbed.conf", &self.sshd()),
            ],
            // The seed goes after the first boot; without one, cloud-init would look for others at each boot.
            "runcmd": [["touch", "/etc/cloud/cloud-init.disabled"]],
        })
    }

    fn sshd(&self) -> String {
        let mut text = "HostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\n".to_owned();
        if let Some(address) = self.exempt {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "PerSourcePenaltyExemptList {address}");
        }
        text
    }
}

fn file(path: &str, content: &str) -> Value {
    json!({ "path": path, "content": content, "permissions": "0644" })
}

/// Matches by MAC only: a name would depend on where the device sits.
fn network(mac: &str, addressing: Addressing) -> Value {
    let mut ethernet = json!({ "match": { "macaddress": mac } });
    match addressing {
        Addressing::Dhcp => ethernet["dhcp4"] = true.into(),
        Addressing::Static { address, range, gateway } => {
            ethernet["addresses"] = json!([format!("{address}/{}", range.prefix_len())]);
            // The word `default` is not known to cloud-init when it writes for networkd (25.1).
            ethernet["routes"] = json!([{ "to": "0.0.0.0/0", "via": gateway }]);
            ethernet["nameservers"] = json!({ "addresses": [gateway] });
        }
    }
    json!({ "version": 2, "ethernets": { "main": ethernet } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_say_all_that_a_machine_needs() {
        let keys = ["ssh-ed25519 AAAA user's \"key\"".to_owned()];
        let seed = Seed {
            hostname: "control-1",
            user: "seedbed",
            authorized_keys: &keys,
            host_key: "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n",
            host_public_key: "ssh-ed25519 BBBB",
            exempt: Some(Ipv4Addr::new(10, 1, 2, 1)),
        };
        insta::assert_snapshot!(format!("{:#}", seed.user_data()));
    }

    #[test]
    fn a_bridge_gets_static_addresses() {
        let range = "10.1.2.0/24".parse().unwrap();
        let addressing = Addressing::Static { address: [10, 1, 2, 7].into(), range, gateway: [10, 1, 2, 1].into() };
        insta::assert_snapshot!(network("52:54:00:00:00:01", addressing).to_string(), @r#"{"version":2,"ethernets":{"main":{"match":{"macaddress":"52:54:00:00:00:01"},"addresses":["10.1.2.7/24"],"routes":[{"to":"0.0.0.0/0","via":"10.1.2.1"}],"nameservers":{"addresses":["10.1.2.1"]}}}}"#);
    }
}
