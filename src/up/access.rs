//! How the user reaches what was made: kubeconfig, and what `ssh` reads.

use std::fmt::Write as _;
use std::path::absolute;

use engine::failure::{Failure, Result};

use crate::identity::Identity;
use crate::kube::{kubeconfig, server_url, write_kubeconfig};
use crate::plan::{MachinePlan, Plan};
use crate::state::{State, private_directory, write_private};

/// Writes the kubeconfig, the generated key, the known hosts and an `ssh_config(5)` into the state directory.
///
/// All of it follows from plan and identity; written before a machine is made, it serves while one boots.
pub fn write(state: &State, plan: &Plan, identity: &Identity) -> Result<()> {
    let server = server_url(plan.kubernetes.address, plan.kubernetes.port);
    write_kubeconfig(state.directory(), &kubeconfig(&plan.cluster, &server, identity))?;
    private_directory(&state.ssh())?;
    let ssh = absolute(state.ssh())
        .map_err(|error| Failure::other("the state directory has no absolute path").because(&error))?;
    write_private(&ssh.join("id_ed25519"), identity.user.private.as_bytes())?;
    let mut known_hosts = String::new();
    let mut config = String::new();
    for node in &plan.nodes {
        let (address, port) = (node.address, node.machine.port());
        let host = if port == 22 { address.to_string() } else { format!("[{address}]:{port}") };
        let _ = writeln!(known_hosts, "{host} {}", node.host_key);
        let key = match &node.machine {
            MachinePlan::Libvirt { .. } => Some(ssh.join("id_ed25519")),
            MachinePlan::Existing { key, .. } => key.as_ref().map(|key| absolute(key).unwrap_or_else(|_| key.clone())),
        };
        let _ = writeln!(
            config,
            "Host {}\n  HostName {address}\n  Port {port}\n  User {}\n  UserKnownHostsFile \"{}\"\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes",
            node.name,
            node.machine.user(),
            ssh.join("known_hosts").display(),
        );
        if let Some(key) = key {
            let _ = writeln!(config, "  IdentityFile \"{}\"\n  IdentitiesOnly yes", key.display());
        }
        config.push('\n');
    }
    write_private(&ssh.join("known_hosts"), known_hosts.as_bytes())?;
    write_private(&ssh.join("config"), config.as_bytes())
}
