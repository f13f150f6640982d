//! `seedbed up`.

use std::time::Duration;

use clap::Args;
use engine::event::Secrets;
use engine::failure::{Failure, Kind};

use super::spec_argument::Spec;
use super::{Context, Ending, Global, Run};
use crate::assets::Assets;
use crate::phase::Phase;
use crate::spec::{Cluster, Sources};
use crate::state::State;

/// Make the cluster that the spec describes; run again, it continues or finds nothing to do
///
/// Returns when everything in the Git repository is Ready and the spec's checks hold, or with the one cause why
/// not. Ctrl-C ends it cleanly at any point (twice: at once), and the next `up` goes on from what is there. When it
/// fails, it gathers what tells why, as `diagnose` does, and says where that lies.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed up
  seedbed up inventories/dev.yaml --until kubernetes
  seedbed up --report json 2> events.jsonl

Exit codes: 0 synced, 3 the spec is wrong, 4 preflight refused, 5 a step on a machine failed,
6 the repository did not become Ready, or a check does not hold, 130 interrupted, 1 anything else.")]
pub struct Up {
    #[command(flatten)]
    spec: Spec,

    /// End after this phase
    #[arg(long, value_name = "PHASE", default_value = "checks")]
    until: Phase,

    /// Give up after this many minutes; each wait has a deadline of its own as well
    #[arg(long, value_name = "MINUTES")]
    timeout: Option<u64>,
}

impl Up {
    pub fn run(&self, global: &Global) -> Ending {
        let cluster = self.spec.load_whole(global, Sources::Check)?;
        up(global, &cluster, self.until, self.timeout)
    }
}

/// Runs `up` under the cluster's lock; for `rebuild`, too.
pub fn up(global: &Global, cluster: &Cluster, until: Phase, timeout: Option<u64>) -> Ending {
    let state = State::of(cluster);
    let _lock = state.lock("up").map_err(|failure| vec![failure])?;
    let run =
        Run { name: "up", subject: cluster.name.clone(), journal: Some(super::run::journal(&state)), summary: true };
    let assets = Assets::beside(&cluster.directory);
    let limit = timeout.map(|minutes| Duration::from_secs(minutes * 60));
    let (mut secrets, mut timed_out) = (Secrets::default(), false);
    let ended = super::run(global, &run, async |context: &Context| {
        secrets = context.events().secrets().clone();
        let work = crate::up::up(cluster, &assets, &state, until, &context.step, &context.token);
        match limit {
            Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
                timed_out = true;
                Err(vec![late(limit)])
            }),
            None => work.await,
        }
    });
    ended.map(|()| 0).map_err(|failures| {
        let kind = crate::error::exit_code(&failures);
        let on_the_way = [Kind::Step, Kind::NotReady].map(crate::error::code).contains(&kind);
        // Other failures say all there is to say: the spec, the workstation, or the user.
        if on_the_way || timed_out {
            super::diagnose::after(global, cluster, &state, failures, &secrets)
        } else {
            failures
        }
    })
}

fn late(limit: Duration) -> Failure {
    Failure::new(Kind::Other, format!("not done after {} minutes (--timeout)", limit.as_secs() / 60))
        .hint("`seedbed up` continues where this stopped")
}
