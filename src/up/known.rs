//! What is known before anything is made: provider, identity and plan.

use engine::event::Step;
use engine::failure::{Failure, Result};

use crate::assets::Assets;
use crate::identity::{Identity, owner_keys};
use crate::machine::Provider;
use crate::phase::gitops::Secrets;
use crate::plan::{self, Inputs, Plan, Site};
use crate::spec::{self, Cluster, human};
use crate::state::State;

/// Provider, identity and plan of one cluster.
#[derive(Debug)]
pub struct Known {
    /// None where all machines exist.
    pub provider: Option<Provider>,
    pub identity: Identity,
    pub plan: Plan,
    /// What the cluster is made from beside it.
    pub inputs: Inputs,
    /// What the user wants in the cluster before its first sync.
    pub secrets: Secrets,
}

impl Known {
    /// Reads the ground, loads or makes the identity, plans, and refuses what only `rebuild` can do.
    ///
    /// Nothing is written before everything that can be refused has been.
    pub async fn of(cluster: &Cluster, assets: &Assets, state: &State, step: &Step) -> Result<Self, Vec<Failure>> {
        let one = |failure| vec![failure];
        let inputs = Inputs::read(cluster, assets).map_err(one)?;
        let secrets = Secrets::read(cluster, step).await?;
        let provider = provider(cluster).await.map_err(one)?;
        let loaded = Identity::load(state.directory()).map_err(one)?;
        if let (None, Some(provider)) = (&loaded, &provider) {
            refuse_lost_identity(cluster, provider).await.map_err(one)?;
        }
        let names = || cluster.nodes.iter().map(|node| node.name.as_str());
        let (mut identity, mut altered) = if let Some(mut identity) = loaded {
            let altered = identity.add_hosts(names()).map_err(one)?;
            (identity, altered)
        } else {
            let mut identity = Identity::make(&cluster.name, names()).map_err(one)?;
            if provider.is_some() {
                identity.owner = owner_keys().await;
            }
            if let Some(provider) = &provider {
                take_kept_images(cluster, provider, &mut identity, step).await.map_err(one)?;
            }
            (identity, true)
        };
        if cluster.registry.is_some() {
            altered |= identity.add_registry(&cluster.name).map_err(one)?;
        }
        identity.register(step.events().secrets());
        let (site, plan) = plan(cluster, state, provider.as_ref(), &identity, Some(&inputs), step).await?;
        if altered {
            identity.save(state.directory()).map_err(one)?;
            for (name, fingerprint) in identity.fingerprints().map_err(one)? {
                step.note(format!("{name}: {fingerprint}"));
            }
        }
        if plan.pace == plan::Pace::Emulated && provider.is_some() {
            let why = match &site.kvm {
                plan::Kvm::Broken(why) => format!("does not work here ({why})"),
                plan::Kvm::Works | plan::Kvm::Absent => "is not there".to_owned(),
            };
            step.warn(format!(
                "KVM {why}: machines are emulated, about ten times slower, with the slow-machine settings"
            ));
            if let Some(warning) = provider.as_ref().and_then(|provider| old_emulator(&provider.connection)) {
                step.warn(warning);
            }
        }
        Ok(Self { provider, identity, plan, inputs, secrets })
    }

    /// The same of a cluster that `up` made, without its secrets; writes nothing.
    pub async fn made(cluster: &Cluster, state: &State, step: &Step) -> Result<Self, Vec<Failure>> {
        let one = |failure| vec![failure];
        let Some(mut identity) = Identity::load(state.directory()).map_err(one)? else {
            let failure = Failure::refused(format!("the cluster {} has not been made yet", cluster.name))
                .cause(format!("{} has no identity.json", state.directory().display()))
                .hint("`seedbed up` makes it");
            return Err(vec![failure]);
        };
        identity.register(step.events().secrets());
        let provider = provider(cluster).await.map_err(one)?;
        // Nodes that the next `up` makes have no keys yet; nothing here asks for them.
        identity.add_hosts(cluster.nodes.iter().map(|node| node.name.as_str())).map_err(one)?;
        // What only the next `up` reads says nothing of the cluster as it is.
        let (_, plan) = plan(cluster, state, provider.as_ref(), &identity, None, step).await?;
        Ok(Self { provider, identity, plan, inputs: Inputs::default(), secrets: Secrets::default() })
    }
}

/// Plans on the ground as it is, and refuses what only `rebuild` can do.
async fn plan(
    cluster: &Cluster,
    state: &State,
    provider: Option<&Provider>,
    identity: &Identity,
    inputs: Option<&Inputs>,
    step: &Step,
) -> Result<(Site, Plan), Vec<Failure>> {
    let one = |failure| vec![failure];
    let site = match provider {
        Some(provider) => provider.site(Some(identity.id)).await.map_err(one)?,
        None => Site::default(),
    };
    let plan = plan::make(cluster, &site, &identity.public())?;
    if let Some(provider) = provider {
        provider.require_reach(&plan).map_err(one)?;
    }
    if let Some(applied) = state.applied().map_err(one)? {
        let mut changes = plan::compare(&applied, &plan);
        changes.extend(inputs.iter().flat_map(|inputs| plan::compare_inputs(&applied, inputs)));
        if let Some(failure) = plan::refuse_rebuild(&changes) {
            return Err(vec![failure]);
        }
        for change in &changes {
            step.note(format!("edited since the last up: {change}"));
        }
    }
    Ok((site, plan))
}

/// The first QEMU that is known to emulate a busy machine for long.
const EMULATES: u32 = 10_000_000;

/// QEMU 7.2.22 corrupts the flags register of emulated machines: their kernels die of double faults within a minute.
fn old_emulator(connection: &libvirt_protocol::Connection) -> Option<String> {
    let version = connection.hypervisor;
    let old = connection.driver == "QEMU" && version != 0 && version < EMULATES;
    old.then(|| {
        format!(
            "QEMU {}.{}.{} may bring emulated kernels down; take 10 or newer, on Debian 12 from its backports",
            version / 1_000_000,
            version / 1000 % 1000,
            version % 1000
        )
    })
}

/// Opens the machine provider that the spec names.
pub async fn provider(cluster: &Cluster) -> Result<Option<Provider>> {
    match &cluster.machines.provider {
        spec::Provider::Libvirt { uri } => Provider::open(uri).await.map(Some),
        spec::Provider::Existing => Ok(None),
    }
}

/// Machines without their identity cannot be continued: their keys are not known any more.
async fn refuse_lost_identity(cluster: &Cluster, provider: &Provider) -> Result<()> {
    let Some(found) = provider.find(&cluster.name).await?.into_iter().next() else { return Ok(()) };
    if !found.is_of(&cluster.directory) {
        return Err(found.elsewhere());
    }
    Err(Failure::refused(format!(
        "the cluster {} exists, and its identity is not in the state directory",
        cluster.name
    ))
    .cause(format!(
        "machines with the cluster id {} were found; {} has no identity.json",
        found.id,
        cluster.state().display()
    ))
    .hint("put the state directory back, or make the cluster anew: `seedbed rebuild`"))
}

/// Takes the id of the cluster whose images an earlier `--keep-images` has left: with it go its pool and the images.
async fn take_kept_images(cluster: &Cluster, provider: &Provider, identity: &mut Identity, step: &Step) -> Result<()> {
    for kept in provider.kept(&cluster.name, &cluster.directory).await? {
        let (pool, volume) = (&kept.pool, &kept.volume);
        if !kept.here {
            step.warn(format!(
                "left: images that were kept of a cluster {} made elsewhere ({volume} in {pool})",
                cluster.name
            ));
        } else if cluster.registry.is_none() {
            step.warn(format!("the images that were kept stay unused in {pool}: the spec asks for no registry; `seedbed down` removes them"));
        } else {
            let taken = human(kept.allocation);
            step.note(format!("the registry begins with the {taken} of images that were kept ({volume} in {pool})"));
            identity.id = kept.id;
        }
    }
    Ok(())
}
