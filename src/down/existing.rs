//! Machines that exist stay: they are taken out of the cluster, and what seedbed made on them goes.

use engine::event::Step;
use engine::failure::{Failure, Kind, Result};
use engine::host::{Host, Mode, Target};
use engine::playbook::{self, HostContext, RunOptions};
use engine::template::Layer;
use futures::future::join_all;
use serde_json::json;

use super::{Removal, commits};
use crate::assets::Assets;
use crate::machine::made_in;
use crate::phase::claim::{CLUSTER_ID, CLUSTER_NAME, SPEC};
use crate::phase::registry;
use crate::spec::{Existing, Node, Role};
use crate::up::existing_login;

/// Resets every machine of the spec, the workers first: the control plane holds the commits.
///
/// One that cannot be reached keeps no other in the cluster; it is named at the end.
pub(super) async fn down(removal: &Removal<'_>) -> Result<()> {
    let nodes = wanted(removal)?;
    let connecting = join_all(nodes.iter().map(|node| connect(node, removal.step)));
    let reached = removal.looking(async { Ok(connecting.await) }).await?;
    let (mut hosts, mut failures) = (Vec::new(), Vec::new());
    for (node, reached) in nodes.iter().zip(reached) {
        match reached {
            Ok(host) => hosts.push((*node, host)),
            Err(failure) => failures.push((*node, failure)),
        }
    }
    if let Some((_, failure)) = failures.first().filter(|_| removal.terms.anew) {
        return Err(failure
            .clone()
            .hint("Nothing was removed: a cluster is not made anew without one of its machines."));
    }
    for (node, host) in &hosts {
        require_own(removal, node, host).await?;
    }
    if !removal.terms.discard_commits {
        fetch(removal, &hosts, &failures).await?;
    }
    for (node, host) in hosts.iter().rev() {
        if removal.token.is_cancelled() {
            return Err(Failure::interrupted());
        }
        match reset(removal, node, host).await {
            Err(failure) if failure.kind == Kind::Interrupted => return Err(failure),
            Err(failure) => failures.push((node, failure)),
            Ok(()) => {}
        }
    }
    left(failures)
}

/// The machines of the spec but those that are let go.
fn wanted<'a>(removal: &Removal<'a>) -> Result<Vec<&'a Node>> {
    let nodes = &removal.cluster.nodes;
    let forget = &removal.terms.forget;
    let known = |name: &&String| !nodes.iter().any(|node| node.name == **name);
    if let Some(unknown) = forget.iter().find(known) {
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        return Err(Failure::new(Kind::Usage, format!("there is no node {unknown} to forget"))
            .hint(format!("its nodes are: {}", names.join(", "))));
    }
    Ok(nodes.iter().filter(|node| !forget.contains(&node.name)).collect())
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

/// Refuses a machine of another cluster before anything is altered anywhere.
async fn require_own(removal: &Removal<'_>, node: &Node, host: &Host) -> Result<()> {
    let mut view = host.view(Mode::Check);
    let mut read = async |path: &str| -> Result<String> {
        let content = view.read(path).await?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&content).trim().to_owned())
    };
    let (id, name, spec) = (read(CLUSTER_ID).await?, read(CLUSTER_NAME).await?, read(SPEC).await?);
    // Nobody's, or reset already.
    if id.is_empty() && name.is_empty() {
        return Ok(());
    }
    let own = if let Some(own) = removal.id() {
        id == own
    } else {
        let here = spec.is_empty() || made_in(spec.as_ref(), &removal.cluster.directory);
        name == removal.cluster.name && (here || removal.terms.by_name)
    };
    if own {
        return Ok(());
    }
    let from = if spec.is_empty() { String::new() } else { format!(", made from {spec}") };
    Err(Failure::refused(format!("the machine {} belongs to another cluster; nothing was removed", node.name))
        .cause(format!("it carries the name {name} and the id {id}{from}"))
        .hint("Run `seedbed down` where that cluster was made.")
        .hint("If it is this one and its directory was moved, or if it may go all the same: `--by-name`."))
}

/// Fetches the commits, or stops where their machine cannot be reached.
async fn fetch(removal: &Removal<'_>, hosts: &[(&Node, Host)], failures: &[(&Node, Failure)]) -> Result<()> {
    if let Some((_, host)) = hosts.iter().find(|(node, _)| node.role == Role::ControlPlane) {
        return removal.commits(async |step| commits::fetch_own(removal, host, step).await).await;
    }
    let failure = failures.iter().find(|(node, _)| node.role == Role::ControlPlane).map(|(_, failure)| failure.clone());
    let mut failure = failure.unwrap_or_else(|| Failure::refused("the control plane is to be forgotten"));
    failure.what = format!("the commits made in the cluster cannot be fetched: {}", failure.what);
    Err(failure.hint(commits::DISCARD))
}

async fn reset(removal: &Removal<'_>, node: &Node, host: &Host) -> Result<()> {
    let resetting = removal.step.child_of("reset", &node.name, &[]);
    let assets = Assets::beside(&removal.cluster.directory);
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
            ("cluster".to_owned(), json!(removal.cluster.name)),
            // Without the state directory, the name is what a machine is known by.
            ("cluster_id".to_owned(), json!(removal.id().unwrap_or_default())),
            ("registry_of".to_owned(), json!(registry::of(&removal.cluster.name, &removal.cluster.directory))),
            ("keep_images".to_owned(), json!(removal.terms.keep_images)),
        ]),
    };
    let options = RunOptions { cancel: Some(removal.token.clone()), ..RunOptions::default() };
    let recap = playbook::run_on(&playbook, &context, &assets, &options, &resetting).await;
    resetting.conclude_as(recap, |recap| recap.changed > 0).map(drop)
}

/// Names the machines that could not be taken out of the cluster; the state stays, so that it can be tried again.
fn left(failures: Vec<(&Node, Failure)>) -> Result<()> {
    let names: Vec<&str> = failures.iter().map(|(node, _)| node.name.as_str()).collect();
    let all = names.join(", ");
    let forget: Vec<String> = names.iter().map(|name| format!("--forget {name}")).collect();
    let Some((_, first)) = failures.first() else { return Ok(()) };
    let mut failure = Failure::new(first.kind, format!("{all} could not be taken out of the cluster; the others were"));
    failure.causes = failures.iter().map(|(_, failure)| failure.to_string()).collect();
    failure.evidence.clone_from(&first.evidence);
    Err(failure
        .hint("Mend it, and run `seedbed down` again: it goes on from here.")
        .hint(format!("If it is gone for good: `seedbed down {}`; nothing on it is looked at.", forget.join(" "))))
}
