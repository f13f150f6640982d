//! Runs one of seedbed's playbooks, or the user's, on one host.

use engine::event::Step;
use engine::failure::{Failure, Result};
use engine::host::Host;
use engine::playbook::{self, HostContext, HostRecap, RunOptions};
use engine::template::Layer;

use super::ground::Ground;
use crate::plan::NodePlan;
use crate::spec::Role;

/// Runs a playbook with variables that win over its own; fails with its first failure.
pub async fn play(
    ground: &Ground<'_>,
    name: &str,
    node: &NodePlan,
    host: &Host,
    variables: impl Into<Layer>,
    step: &Step,
) -> Result<HostRecap> {
    let playbook = playbook::load(name, ground.assets).map_err(first)?;
    let context = HostContext {
        host,
        groups: vec![group(node.role).to_owned()],
        user: node.machine.user().to_owned(),
        variables: Layer::data(ground.variables(node)),
        extra: variables.into(),
    };
    let options = RunOptions { cancel: Some(ground.token.clone()), ..RunOptions::default() };
    playbook::run_on(&playbook, &context, ground.assets, &options, step).await
}

/// `validate` shows all of them; a run that starts all the same needs one.
fn first(mistakes: Vec<Failure>) -> Failure {
    mistakes.into_iter().next().unwrap_or_else(|| Failure::invalid("a playbook does not parse"))
}

/// The inventory group of a role, as user playbooks name it.
const fn group(role: Role) -> &'static str {
    match role {
        Role::ControlPlane => "control_plane",
        Role::Worker => "workers",
    }
}
