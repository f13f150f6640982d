//! `seedbed rebuild`.

use clap::Args;

use super::spec_argument::Spec;
use super::{Ending, Global};
use crate::phase::Phase;
use crate::spec::Sources;

/// Remove the cluster and make it anew: `down`, then `up`
///
/// For what cannot be altered in a cluster that exists, as `plan` tells, and for a lost state directory.
/// Commits made in the cluster are fetched first, and seeded again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed rebuild
  seedbed rebuild inventories/dev.yaml --discard-commits

Exit codes: those of `down` and `up`.")]
pub struct Rebuild {
    #[command(flatten)]
    spec: Spec,

    /// Do not fetch the commits made in the cluster; they are lost
    #[arg(long)]
    discard_commits: bool,
}

impl Rebuild {
    pub fn run(&self, global: &Global) -> Ending {
        let cluster = self.spec.load_whole(global, Sources::Check)?;
        super::down::down(global, &cluster, self.discard_commits)?;
        super::up::up(global, &cluster, Phase::Ready, None)
    }
}
