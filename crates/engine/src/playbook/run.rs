//! Runs plays on hosts.

mod call;
mod control;
mod done;
mod items;
mod judge;
mod recap;
mod repeat;
mod runner;
mod settings;
mod task;
#[cfg(test)]
mod tests;
mod turns;

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

pub use recap::{HostRecap, Recap};
use runner::{Runner, Shared};
use turns::Turns;

use super::play::{Play, Playbook, Strategy};
use crate::asset::Assets;
use crate::event::Step;
use crate::failure::Result;
use crate::host::Host;
use crate::template::Layer;

/// A host, and what an inventory says of it.
#[derive(Clone)]
pub struct HostContext<'a> {
    pub host: &'a Host,
    /// The groups it is in, besides `all`.
    pub groups: Vec<String>,
    /// Who logs in; a task without `become` runs as this user.
    pub user: String,
    /// What the inventory defines; a playbook's `vars` win over it.
    pub variables: Layer,
    /// What wins over everything, as `--extra-vars` does.
    pub extra: Layer,
}

/// How playbooks are run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Nothing is altered; what would be is said.
    pub check: bool,
    /// The difference of each file that changes is shown.
    pub diff: bool,
    /// Only tasks with one of these tags; all if empty.
    pub tags: Vec<String>,
    /// No task with one of these tags.
    pub skip_tags: Vec<String>,
    /// Looked at between two tasks.
    pub cancel: Option<CancellationToken>,
}

/// Runs a playbook on hosts. A host whose task fails takes no further part; the recap has its failure.
pub async fn run(
    playbook: &Playbook,
    hosts: &[HostContext<'_>],
    assets: &dyn Assets,
    options: &RunOptions,
    step: &Step,
) -> Recap {
    let shared = Shared { assets, options, step, file: &playbook.name, hosts };
    let mut runners: Vec<Runner<'_>> = hosts.iter().map(|context| Runner::new(context, &shared)).collect();
    for play in &playbook.plays {
        let mut chosen: Vec<&mut Runner<'_>> =
            runners.iter_mut().filter(|runner| !runner.has_failed() && runner.is_meant(&play.hosts)).collect();
        let names: Vec<String> = chosen.iter().map(|runner| runner.name().to_owned()).collect();
        let turns = Turns::new(chosen.len(), play.strategy == Strategy::Linear);
        let runs = chosen.iter_mut().enumerate().map(|(number, runner)| runner.play(play, turns.of(number), &names));
        join_all(runs).await;
    }
    Recap { hosts: runners.into_iter().map(Runner::into_recap).collect() }
}

/// Runs a playbook on one host, those plays that mean it, until the first failure.
pub async fn run_on(
    playbook: &Playbook,
    context: &HostContext<'_>,
    assets: &dyn Assets,
    options: &RunOptions,
    step: &Step,
) -> Result<HostRecap> {
    let hosts = std::slice::from_ref(context);
    let shared = Shared { assets, options, step, file: &playbook.name, hosts };
    let mut runner = Runner::new(context, &shared);
    let names = [runner.name().to_owned()];
    for play in &playbook.plays {
        if !runner.is_meant(&play.hosts) {
            continue;
        }
        let turns = Turns::new(1, false);
        runner.play(play, turns.of(0), &names).await;
        if runner.has_failed() {
            break;
        }
    }
    runner.into_recap().into_result()
}

/// The tasks of a play, for progress: how many there are at most.
pub fn size(play: &Play) -> usize {
    play.size
}
