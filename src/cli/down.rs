//! `seedbed down`.

use clap::Args;

use super::spec_argument::Spec;
use super::{Context, Ending, Global, Run};
use crate::down::Terms;
use crate::spec::Cluster;
use crate::state::State;

/// Remove everything that is the cluster's, and nothing else
///
/// What is the cluster's is read from the objects themselves, so this works without the state directory, too;
/// then only what was made from this spec goes. The files that the spec names need not be there.
/// Commits made in the cluster, on whatever branch, are fetched into your repository first, or kept beside the
/// spec; where that is not possible nothing is removed. Nothing is asked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed down
  seedbed down --discard-commits     where the first control plane cannot be reached any more
  seedbed down --forget worker-2     where a machine that exists is gone for good
  seedbed down --keep-images         the next `up` finds the registry's images again

Exit codes: 0 nothing of the cluster is left, 3 the spec is wrong, 4 refused: nothing was removed,
130 interrupted, 1 anything else.")]
pub struct Down {
    #[command(flatten)]
    spec: Spec,

    /// Do not fetch the commits made in the cluster; they are lost
    #[arg(long)]
    discard_commits: bool,

    /// Remove a cluster of this name, too, that was made from a spec in another directory
    #[arg(long)]
    by_name: bool,

    /// Let a machine go that exists and cannot be reached any more; nothing on it is looked at
    #[arg(long, value_name = "NODE")]
    forget: Vec<String>,

    /// Leave the images of the embedded registry; the next `up` takes them, the next `down` removes them
    #[arg(long)]
    keep_images: bool,
}

impl Down {
    pub fn run(&self, global: &Global) -> Ending {
        let cluster = self.spec.load_alone()?;
        let terms = Terms {
            discard_commits: self.discard_commits,
            by_name: self.by_name,
            forget: self.forget.clone(),
            anew: false,
            keep_images: self.keep_images,
        };
        down(global, &cluster, &terms)
    }
}

/// Runs `down` under the cluster's lock; for `rebuild`, too.
pub fn down(global: &Global, cluster: &Cluster, terms: &Terms) -> Ending {
    let state = State::of(cluster);
    let _lock = state.lock("down").map_err(|failure| vec![failure])?;
    // What goes well removes its own journal, with the state directory.
    let journal = Some(super::run::journal(&state));
    let run = Run { name: "down", subject: cluster.name.clone(), journal, summary: false };
    super::run(global, &run, async |context: &Context| {
        let down = crate::down::down(cluster, &state, terms, &context.step, &context.token);
        down.await.map_err(|failure| vec![failure])
    })?;
    Ok(0)
}
