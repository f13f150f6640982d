//! From machine to host: made unless it is there, and reached over SSH.

use std::path::Path;
use std::time::Duration;

use engine::event::StepId;
use engine::failure::{Failure, Result};
use engine::host::{Host, Login, Target};

use super::Up;
use super::bits::Made;
use crate::identity::Identity;
use crate::machine::{Machine, Seed};
use crate::phase::Phase;
use crate::plan::{MachinePlan, NodePlan, Pace};

impl Up<'_> {
    /// Makes the machine of a node, or finds it; none where it exists without us.
    pub(super) async fn machine(&self, made: &Made, node: &NodePlan) -> Result<(Option<Machine>, StepId)> {
        let (Some(provider), Some(ground)) = (&self.known.provider, &made.ground) else {
            return Ok((None, made.step));
        };
        let host_key = &self.known.identity.host(&node.name)?.private;
        let seed = Seed::of(self.plan, node, host_key);
        let (machine, id) = self
            .phase(Phase::Machines, &node.name, &[made.step], async |step| {
                let machine = provider.ensure(self.plan, ground, node, &seed).await?;
                for difference in &machine.differences {
                    step.warn(format!("{difference}: only `seedbed rebuild` alters that"));
                }
                let changed = machine.created || machine.started;
                Ok((machine, changed))
            })
            .await?;
        Ok((Some(machine), id))
    }

    /// Waits until the host of a node answers over SSH with its planned key.
    pub(super) async fn connect(
        &self,
        node: &NodePlan,
        machine: Option<&Machine>,
        after: StepId,
    ) -> Result<(Host, StepId)> {
        let mut target = target(node, &self.known.identity)?;
        // Until its first boot is over, sshd may answer before cloud-init has written keys and user.
        target.fresh = machine.is_some_and(|machine| machine.fresh);
        target.deadline = Duration::from_secs(if self.plan.pace == Pace::Emulated { 600 } else { 180 });
        self.phase(Phase::Connect, &node.name, &[after], async |step| match Host::connect(&target, step).await {
            Ok(host) => Ok((host, false)),
            Err(error) => {
                let failure = Failure::from(error);
                Err(match &self.known.provider {
                    Some(provider) => provider.diagnose(self.plan, node, failure).await,
                    None => failure,
                })
            }
        })
        .await
    }
}

/// How the host of a node is reached: by its planned key, with the generated one or the user's.
pub fn target(node: &NodePlan, identity: &Identity) -> Result<Target> {
    let login = match &node.machine {
        MachinePlan::Libvirt { .. } => Login::Key(identity.user.private.clone()),
        MachinePlan::Existing { key, .. } => existing_login(&node.name, key.as_deref())?,
    };
    let mut target = Target::new(&node.name, node.address.to_string(), node.machine.user(), &node.host_key, login);
    target.port = node.machine.port();
    Ok(target)
}

/// How a machine that exists is logged in to: with the key that the spec names, or the agent's.
pub fn existing_login(node: &str, key: Option<&Path>) -> Result<Login> {
    let Some(path) = key else { return Ok(Login::Agent) };
    std::fs::read_to_string(path).map(Login::Key).map_err(|error| {
        Failure::invalid(format!("the key {} of {node} cannot be read", path.display())).because(&error)
    })
}
