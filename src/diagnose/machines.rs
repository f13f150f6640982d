//! The machines: what libvirt says of them, and their consoles.

use std::fmt::Write as _;

use engine::event::Step;
use engine::failure::{Failure, Result};
use futures::future::join_all;
use libvirt_protocol::{DomainState, Lease, Pool};

use super::collector::{Collector, Level};
use super::ground::Ground;
use crate::machine::{ClusterFound, Provider, state_word};
use crate::report::bytes;
use crate::spec;

/// How much of a console is kept.
const CONSOLE: u64 = 256 * 1024;

const NAME: &str = "machines/machines.txt";

/// What libvirt has of the cluster.
struct Look {
    provider: Provider,
    cluster: Option<ClusterFound>,
    pools: Vec<Pool>,
    leases: Vec<Lease>,
}

pub async fn gather(ground: &Ground<'_>, to: &Collector, step: &Step) {
    let spec::Provider::Libvirt { uri } = &ground.cluster.machines.provider else { return };
    let step = step.child("machines");
    match to.source(NAME, 10, look(uri, ground)).await {
        Ok(look) => {
            to.put(NAME, text(&look));
            judge(&look, ground, to);
            consoles(&look, to).await;
        }
        Err(failure) => to.problem(Level::Machine, failure),
    }
    step.finish(false);
}

async fn look(uri: &str, ground: &Ground<'_>) -> Result<Look> {
    let provider = Provider::open(uri).await?;
    let (found, pools) = futures::try_join!(provider.find(&ground.cluster.name), provider.pools())?;
    let own = |found: &ClusterFound| ground.identity.as_ref().is_none_or(|identity| identity.id == found.id);
    let cluster = found.into_iter().find(own);
    let network = cluster.as_ref().and_then(|cluster| cluster.network.as_ref());
    let leases = match network {
        Some(network) => provider.leases(&network.name).await,
        None => Vec::new(),
    };
    Ok(Look { provider, cluster, pools, leases })
}

/// What is wrong with a machine is deeper than anything that is wrong on it.
fn judge(look: &Look, ground: &Ground<'_>, to: &Collector) {
    for node in &ground.cluster.nodes {
        let nodes = look.cluster.iter().flat_map(|cluster| &cluster.nodes);
        let found = nodes.into_iter().find(|found| found.node == node.name);
        let failure = match found {
            Some(found) if found.state == DomainState::Running => continue,
            Some(found) => Failure::step(format!("the machine {} is {}", found.domain, state_word(found.state)))
                .hint(format!("See why: `virsh domstate --reason {}`; `seedbed up` starts it.", found.domain)),
            None => Failure::step(format!("there is no machine for {}", node.name)).hint("`seedbed up` makes it."),
        };
        to.problem(Level::Machine, failure);
    }
}

async fn consoles(look: &Look, to: &Collector) {
    let Some(cluster) = &look.cluster else { return };
    join_all(cluster.nodes.iter().map(|node| {
        let name = format!("machines/{}.console.log", node.node);
        to.file(name, 10, look.provider.console_log(&cluster.name, cluster.id, &node.domain, CONSOLE))
    }))
    .await;
}

fn text(look: &Look) -> String {
    let Look { provider, cluster, pools, leases } = look;
    let connection = &provider.connection;
    let mut text = format!(
        "{}: {} {}, libvirt {}, {} CPUs, {} of memory\n",
        provider.uri,
        connection.driver,
        connection.hypervisor,
        connection.version,
        connection.cpus,
        bytes(connection.memory),
    );
    match cluster {
        Some(cluster) => {
            let _ = writeln!(text, "\ncluster {} {}", cluster.name, cluster.id);
            for node in &cluster.nodes {
                let address = node.address.map(|address| address.to_string()).unwrap_or_default();
                let _ = writeln!(text, "  {}: {} is {}, {address}", node.node, node.domain, state_word(node.state));
            }
            if let Some(network) = &cluster.network {
                let state = if network.active { "active" } else { "not active" };
                let _ = writeln!(text, "  network {} is {state}", network.name);
            }
        }
        None => text.push_str("\nlibvirt has nothing of this cluster\n"),
    }
    for lease in leases {
        let name = lease.hostname.as_deref().unwrap_or_default();
        let _ = writeln!(text, "  lease {} {} {name}", lease.mac, lease.address);
    }
    text.push_str("\npools\n");
    for pool in pools {
        let (free, all) = (bytes(pool.available), bytes(pool.capacity));
        let state = if pool.active { "active" } else { "not active" };
        let _ = writeln!(text, "  {} is {state}, {free} of {all} free", pool.name);
    }
    text
}
