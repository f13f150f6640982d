//! `seedbed validate`.

use clap::Args;
use engine::failure::Failure;

use super::spec_argument::Spec;
use super::{Ending, Global, say};
use crate::identity::Identity;
use crate::plan::{self, PublicIdentity, Site};
use crate::spec::{Cluster, Provider, Sources};
use crate::state::State;

/// Report every mistake of a spec and its repository at once; makes nothing
///
/// Each mistake comes with its file, line and column, a snippet and a hint. What depends on this
/// workstation (KVM, memory, networks in use, what secrets are read from) is looked at, too, unless it is left out.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed validate
  seedbed validate inventories/dev.yaml --offline     in CI, where there is no libvirt
  seedbed validate --report json 2>&1 | jq .what      for editors

Exit codes: 0 no mistake, 3 mistakes, 4 this workstation cannot make it.")]
pub struct Validate {
    #[command(flatten)]
    spec: Spec,

    /// Leave out what depends on this workstation
    #[arg(long)]
    offline: bool,
}

impl Validate {
    pub fn run(&self, global: &Global) -> Ending {
        let file = self.spec.file();
        let sources = if self.offline { Sources::Leave } else { Sources::Check };
        let cluster = self.spec.load_whole(global, sources)?;
        if self.offline {
            say("not looked at: this workstation's libvirt, KVM, memory, networks and secrets' sources (--offline)\n");
        } else {
            ground(&cluster)?;
        }
        say(&format!("{} is valid\n", file.display()));
        Ok(0)
    }
}

/// Looks whether this workstation can make it.
fn ground(cluster: &Cluster) -> Result<(), Vec<Failure>> {
    let one = |failure| vec![failure];
    let identity = Identity::load(State::of(cluster).directory()).map_err(one)?;
    let identity = identity.map_or_else(PublicIdentity::not_yet, |identity| identity.public());
    let site = super::run::wait(site(cluster, &identity)).map_err(one)?.map_err(one)?;
    plan::make(cluster, &site, &identity).map(drop)
}

/// Reads the ground that a cluster will stand on.
pub async fn site(cluster: &Cluster, identity: &PublicIdentity) -> Result<Site, Failure> {
    match &cluster.machines.provider {
        Provider::Libvirt { uri } => {
            let provider = crate::machine::Provider::open(uri).await?;
            provider.site(identity.is_made().then_some(identity.id)).await
        }
        Provider::Existing => Ok(Site::default()),
    }
}
