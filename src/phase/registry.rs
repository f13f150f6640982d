//! The embedded registry: nodes trust it, the first control plane serves it.

use std::path::Path;

use engine::event::Step;
use engine::failure::{Failure, Kind, Result};
use engine::host::{Command, Host, Mode};
use engine::wait::{Seen, until};
use serde_json::{Map, Value, json};

use super::ground::Ground;
use super::play::play;
use crate::machine::real;
use crate::plan::{MachinePlan, NodePlan, RegistryPlan};
use crate::registry::{Registry, Trouble};

/// Makes a node trust the registry, and the first control plane serve it; answers whether anything was altered.
pub async fn provision(ground: &Ground<'_>, node: &NodePlan, host: &Host, step: &Step) -> Result<bool> {
    let Some(registry) = &ground.plan.registry else { return Ok(false) };
    let mut changed =
        play(ground, "playbooks/registry-trust.yaml", node, host, trust(ground, registry)?, step).await?.changed;
    if serves(ground, node) {
        changed +=
            play(ground, "playbooks/registry.yaml", node, host, service(ground, registry, node)?, step).await?.changed;
    }
    Ok(changed > 0)
}

/// Waits until the registry answers the workstation, in its own name and to its own password.
pub async fn answers(ground: &Ground<'_>, node: &NodePlan, host: &Host, step: &Step) -> Result<()> {
    let Some(plan) = ground.plan.registry.as_ref().filter(|_| serves(ground, node)) else { return Ok(()) };
    let registry = Registry::new(&plan.name, ground.identity.registry()?)?;
    let waiting = step.child_of("registry", &plan.name, &[]);
    let condition = format!("the registry answers at {}", plan.name);
    let answered = until(&waiting, &condition, ground.patience(60), Kind::Step, async || match registry.ping().await {
        Ok(()) => Ok(Seen::Ready(())),
        Err(Trouble::Denied) => Err(Trouble::Denied.failure("asking the registry", &plan.name)),
        Err(trouble) => Ok(Seen::NotYet(trouble.to_string())),
    });
    let answered = match answered.await {
        Err(failure) if failure.kind == Kind::Step => Err(with_journal(failure, host).await),
        other => other,
    };
    waiting.conclude_as(answered, |()| false)
}

fn serves(ground: &Ground<'_>, node: &NodePlan) -> bool {
    node.name == ground.plan.first_control_plane().name
}

async fn with_journal(failure: Failure, host: &Host) -> Failure {
    let look =
        "systemctl is-active seedbed-registry; journalctl --unit=seedbed-registry --no-pager --lines=15 --output=cat";
    let failure =
        failure.hint(format!("See its journal: `seedbed ssh {} -- sudo journalctl -u seedbed-registry`.", host.name()));
    match host.view(Mode::Check).run_query(Command::shell(look)).await {
        Ok(output) => failure.evidence(output.stdout_text().trim_end()),
        Err(_) => failure,
    }
}

fn trust(ground: &Ground<'_>, registry: &RegistryPlan) -> Result<Map<String, Value>> {
    let keys = ground.identity.registry()?;
    map(json!({
        "registry_name": registry.name,
        "registry_authority": keys.authority.certificate,
        "registry_authorization": keys.authorization(),
    }))
}

fn service(ground: &Ground<'_>, registry: &RegistryPlan, node: &NodePlan) -> Result<Map<String, Value>> {
    let keys = ground.identity.registry()?;
    let serving = keys.issue(&node.name, node.address)?;
    let existing = matches!(node.machine, MachinePlan::Existing { .. });
    map(json!({
        "bits": super::provision::bits_at(existing),
        "registry_volume": registry.size.is_some(),
        "registry_port": registry.port(),
        "registry_htpasswd": keys.htpasswd.reveal(),
        "registry_credential": format!("{}{}", serving.certificate, serving.key.reveal()),
        "registry_id": ground.plan.id,
        "registry_of": of(&ground.plan.cluster, ground.plan.spec_file.parent().unwrap_or(Path::new("."))),
    }))
}

/// Whose images they are, so that the next cluster of the same spec may take them: its name and the spec's directory.
pub fn of(cluster: &str, directory: &Path) -> String {
    format!("{cluster}\n{}", real(directory).display())
}

fn map(value: Value) -> Result<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(Failure::other("the variables of the registry have no JSON")),
    }
}
