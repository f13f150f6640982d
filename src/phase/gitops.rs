//! Hosts and seeds the repository, and installs Flux that reads it.

mod secrets;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

use engine::event::Step;
use engine::failure::{Failure, Result};
use engine::host::Host;
use kube::Client;
use serde_json::{Map, Value};

use super::ground::Ground;
use super::play::play;
use crate::artifact::Bits;
use crate::flux::{self, Manifests, Sync};
use crate::githost::{self, Embedded, Entrance, Revision, Source, webhook_path};
use crate::plan::{GitopsPlan, NodePlan, Plan};
use crate::registry;
use crate::state::State;

pub use secrets::{Secrets, mask_at_hand};

/// What is brought to the cluster.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    pub gitops: &'a GitopsPlan,
    /// In the cluster before its first sync.
    pub secrets: &'a Secrets,
}

/// Brings the repository to the cluster; answers the revision that must become Ready.
///
/// `host` is the first control plane. The repository and Flux are made side by side.
pub async fn gitops(
    ground: &Ground<'_>,
    bits: &Bits,
    wanted: Wanted<'_>,
    host: &Host,
    client: &Client,
    state: &State,
    step: &Step,
) -> Result<Revision> {
    let Wanted { gitops, .. } = wanted;
    let node = ground.plan.first_control_plane();
    let entrance = githost::enter(ground.plan, gitops, ground.identity, state).await?;
    register(&entrance, step);
    let manifests = Manifests::read(bits)?;
    let seeding = async {
        if gitops.embedded {
            host_repository(ground, gitops, &entrance, node, host, step).await?;
        }
        seed(gitops, &entrance, state, step).await
    };
    let (revision, ()) = futures::try_join!(seeding, install(ground, wanted, &entrance, &manifests, client, step))?;
    Ok(revision)
}

/// Makes the embedded repository on the first control plane.
async fn host_repository(
    ground: &Ground<'_>,
    gitops: &GitopsPlan,
    entrance: &Entrance,
    node: &NodePlan,
    host: &Host,
    step: &Step,
) -> Result<()> {
    let step = step.child_of("host the repository", &node.name, &[]);
    let keys = &ground.identity.git;
    let token = entrance.token.as_deref().unwrap_or_default();
    let webhook = webhook_address(ground.plan);
    let embedded = Embedded {
        git_repository: githost::repository_path(&ground.plan.cluster),
        git_branch: gitops.spec.branch.clone(),
        git_flux_key: keys.flux.public.trim().to_owned(),
        git_automation_key: keys.automation.public.trim().to_owned(),
        git_workstation_key: keys.workstation.public.trim().to_owned(),
        git_webhook: format!("http://{webhook}{}", webhook_path(token, flux::RECEIVER, flux::NAMESPACE)),
    };
    let recap = play(ground, "playbooks/git-host.yaml", node, host, variables(&embedded)?, &step).await;
    step.conclude_as(recap, |recap| recap.changed > 0).map(drop)
}

async fn seed(gitops: &GitopsPlan, entrance: &Entrance, state: &State, step: &Step) -> Result<Revision> {
    let step = step.child("seed the repository");
    let result = async {
        let source = open(&gitops.spec.source, state).await?;
        let seeded = githost::seed(&source, &entrance.remote, gitops.spec.dirty, &step).await?;
        Ok((seeded, source))
    };
    let result = result.await;
    let (seeded, source) = step.conclude_as(result, |(seeded, _)| seeded.pushed)?;
    Ok(Revision::new(seeded, source.git().clone(), entrance.remote.clone()))
}

async fn install(
    ground: &Ground<'_>,
    Wanted { gitops, secrets }: Wanted<'_>,
    entrance: &Entrance,
    manifests: &Manifests,
    client: &Client,
    step: &Step,
) -> Result<()> {
    let step = step.child("install Flux");
    let sync = Sync {
        url: gitops.url.clone(),
        branch: gitops.spec.branch.clone(),
        path: gitops.spec.path.clone(),
        credentials: entrance.credentials.clone(),
        secrets: secrets.0.clone(),
        registry: match &ground.plan.registry {
            Some(registry) => registry::secrets(&registry.name, ground.identity.registry()?),
            None => Vec::new(),
        },
        decryption: gitops.spec.decryption.clone(),
        api: SocketAddrV4::new(ground.plan.kubernetes.address, ground.plan.kubernetes.port),
        webhook: gitops.embedded.then(|| webhook_address(ground.plan)),
        token: entrance.token.clone(),
        pace: ground.plan.pace,
    };
    let patience = ground.patience(300);
    let result = flux::install(client, manifests, &sync, patience, &step).await;
    step.conclude_as(result, |changed| !changed.is_empty()).map(drop)
}

/// Masks what opens the Git host.
pub fn register(entrance: &Entrance, step: &Step) {
    let secrets = step.events().secrets();
    entrance.token.iter().for_each(|token| secrets.register(token));
    let private = entrance.credentials.0.iter().filter(|(name, _)| name == "identity" || name == "password");
    private.for_each(|(_, value)| secrets.register(value));
}

/// Opens the user's source; the repository of a plain directory lies in the state directory.
pub async fn open(source: &Path, state: &State) -> Result<Source> {
    Source::open(source, &state.directory().join("git")).await
}

/// The service address of the Receiver: the one after the cluster's DNS, in the band that is never given at random.
fn webhook_address(plan: &Plan) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(plan.kubernetes.dns) + 1)
}

fn variables(embedded: &Embedded) -> Result<Map<String, Value>> {
    match serde_json::to_value(embedded) {
        Ok(Value::Object(variables)) => Ok(variables),
        _ => Err(Failure::other("the variables of the Git host have no JSON")),
    }
}
