//! Machines that exist stay: they are taken out of the cluster, and what seedbed made on them goes.

use engine::event::Step;
use engine::failure::{Failure, Result};
use engine::host::{Host, Target};
use engine::playbook::{self, HostContext, RunOptions};
use engine::template::Layer;
use serde_json::json;

use super::{Removal, commits};
use crate::assets::Assets;
use crate::identity::Identity;
use crate::spec::{Cluster, Existing, Node, Role};
use crate::up::existing_login;

/// Resets every machine of the spec, the workers first: the control plane holds the commits.
pub(super) async fn down(removal: &Removal<'_>) -> Result<()> {
    let Removal { cluster, step, .. } = removal;
    let mut hosts = Vec::new();
    for node in &cluster.nodes {
        hosts.push((node, connect(node, step).await?));
    }
    if !removal.terms.discard_commits
        && let Some((_, host)) = hosts.iter().find(|(node, _)| node.role == Role::ControlPlane)
    {
        removal.commits(async |step| commits::fetch_own(cluster, host, step).await).await?;
    }
    for (node, host) in hosts.iter().rev() {
        if removal.token.is_cancelled() {
            return Err(Failure::interrupted());
        }
        reset(cluster, node, host, removal.identity, step).await?;
    }
    Ok(())
}

async fn connect(node: &Node, step: &Step) -> Result<Host> {
    let Some(Existing { address, port, user, key, host_key }) = &node.existing else {
        return Err(Failure::invalid(format!("{} does not say how it is reached", node.name)));
    };
    let login = existing_login(&node.name, key.as_deref())?;
    let mut target = Target::new(&node.name, address.to_string(), user, host_key, login);
    target.port = *port;
    Ok(Host::connect(&target, step).await?)
}

async fn reset(cluster: &Cluster, node: &Node, host: &Host, identity: Option<&Identity>, step: &Step) -> Result<()> {
    let resetting = step.child_of("reset", &node.name, &[]);
    let assets = Assets::beside(&cluster.directory);
    let mistakes = |mistakes: Vec<Failure>| {
        mistakes.into_iter().next().unwrap_or_else(|| Failure::invalid("a playbook does not parse"))
    };
    let playbook = playbook::load("playbooks/reset.yaml", &assets).map_err(mistakes)?;
    let context = HostContext {
        host,
        groups: Vec::new(),
        user: node.existing.as_ref().map(|existing| existing.user.clone()).unwrap_or_default(),
        variables: Layer::default(),
        extra: Layer::data([
            ("cluster".to_owned(), json!(cluster.name)),
            // Without the state directory, the name is what a machine is known by.
            ("cluster_id".to_owned(), json!(identity.map(|identity| identity.id.to_string()).unwrap_or_default())),
        ]),
    };
    let recap = playbook::run_on(&playbook, &context, &assets, &RunOptions::default(), &resetting).await;
    match &recap {
        Ok(recap) => resetting.finish(recap.changed > 0),
        Err(failure) => resetting.fail(failure),
    }
    recap.map(drop)
}
