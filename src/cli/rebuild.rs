//! `seedbed rebuild`.

use clap::Args;
use engine::failure::Failure;

use super::spec_argument::Spec;
use super::{Context, Ending, Global, Run};
use crate::assets::Assets;
use crate::down::Terms;
use crate::phase::Phase;
use crate::spec::{Cluster, Sources};
use crate::state::State;

/// Remove the cluster and make it anew: `down`, then `up`
///
/// For what cannot be altered in a cluster that exists, as `plan` tells, and for a lost state directory.
/// Commits made in the cluster are fetched first, and seeded again. Where your branch cannot take them, they are
/// kept aside, and nothing is removed. What would stop `up` is looked at first, with what the cluster has now counted
/// as free.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed rebuild
  seedbed rebuild inventories/dev.yaml --discard-commits
  seedbed rebuild --keep-images

Exit codes: those of `down` and `up`.")]
pub struct Rebuild {
    #[command(flatten)]
    spec: Spec,

    /// Do not fetch the commits made in the cluster; they are lost
    #[arg(long)]
    discard_commits: bool,

    /// Remove a cluster of this name, too, that was made from a spec in another directory
    #[arg(long)]
    by_name: bool,

    /// Keep the images of the embedded registry
    #[arg(long)]
    keep_images: bool,
}

impl Rebuild {
    pub fn run(&self, global: &Global) -> Ending {
        let cluster = self.spec.load_whole(global, Sources::Check)?;
        if self.keep_images && cluster.registry.is_none() {
            let failure =
                Failure::invalid(format!("{} asks for no registry: there are no images to keep", cluster.name));
            return Err(vec![failure.hint("Write `registry: embedded` into the spec, or leave `--keep-images` out.")]);
        }
        let terms = Terms {
            discard_commits: self.discard_commits,
            by_name: self.by_name,
            forget: Vec::new(),
            anew: true,
            keep_images: self.keep_images,
        };
        rebuild(global, &cluster, &terms)
    }
}

/// Removes a cluster and makes it anew, after a look at what would stop that; for `evaluate`, too.
pub fn rebuild(global: &Global, cluster: &Cluster, terms: &Terms) -> Ending {
    preflight(global, cluster)?;
    super::down::down(global, cluster, terms)?;
    super::up::up(global, cluster, Phase::Checks, None)
}

/// Looks, and fetches what machines are made of, before anything goes.
fn preflight(global: &Global, cluster: &Cluster) -> Result<(), Vec<Failure>> {
    let (state, assets) = (State::of(cluster), Assets::beside(&cluster.directory));
    let run = Run { name: "rebuild", subject: cluster.name.clone(), journal: None, summary: false };
    super::run(global, &run, async |context: &Context| {
        // A download that is dropped is resumed by the next run.
        context.unless_interrupted(crate::up::preflight(cluster, &assets, &state, &context.step)).await
    })
}
