//! `seedbed up`: the path of one node, and how the paths are joined.
//!
//! Each node goes its own way from machine to node. What is of the whole cluster is promised by the
//! path that makes it and awaited by those that need it; nothing waits for what it does not need.

mod access;
mod bits;
mod join;
mod known;
mod machine;
mod preflight;
mod promise;

use std::cell::OnceCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::event::{Step, StepId};
use engine::failure::{Failure, Result};
use engine::host::Host;
use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use bits::Made;
pub use known::{Known, provider};
pub use machine::{existing_login, target};
pub use preflight::preflight;
use promise::Promise;

use crate::assets::Assets;
use crate::check::{self, Way};
use crate::evaluate::record;
use crate::kube::server_url;
use crate::phase::ground::Ground;
use crate::phase::kubernetes::{self, ControlPlane};
use crate::phase::uncut::Uncut;
use crate::phase::{self, Phase, provision, registry};
use crate::plan::{NodePlan, Plan, Record};
use crate::spec::{Cluster, Role};
use crate::state::State;

/// Makes the cluster that a spec describes, or as much of it as `until` says. Run again, it continues.
pub async fn up(
    cluster: &Cluster,
    assets: &Assets,
    state: &State,
    until: Phase,
    step: &Step,
    token: &CancellationToken,
) -> Result<(), Vec<Failure>> {
    let known = Known::of(cluster, assets, state, step).await?;
    let one = |failure| vec![failure];
    state.record_applied(&Record::of(&known.plan, &known.inputs)).map_err(one)?;
    access::write(state, &known.plan, &known.identity).map_err(one)?;
    // A child: what a failed path cancels is not the user's interruption.
    let (user, token, uncut) = (token, token.child_token(), Uncut::default());
    let plan = &known.plan;
    let up = Up {
        cluster,
        assets,
        state,
        until,
        step,
        token: &token,
        uncut: &uncut,
        known: &known,
        plan,
        bits: Promise::default(),
        hosts: plan.nodes.iter().map(|_| Promise::default()).collect(),
        control_plane: Promise::default(),
        to_join: plan.nodes.len().into(),
        ready: OnceCell::new(),
    };
    let mut paths = vec![up.bits().boxed_local(), up.gitops().boxed_local()];
    paths.extend(plan.nodes.iter().enumerate().map(|(index, node)| up.node(index, node).boxed_local()));
    join::join(paths, &token, user, &uncut).await?;
    up.checks().await
}

/// What all paths share: the plan, and what they promise each other.
struct Up<'a> {
    cluster: &'a Cluster,
    assets: &'a Assets,
    state: &'a State,
    until: Phase,
    step: &'a Step,
    token: &'a CancellationToken,
    uncut: &'a Uncut,
    known: &'a Known,
    plan: &'a Plan,
    bits: Promise<Made>,
    hosts: Vec<Promise<Host>>,
    /// Its API answers.
    control_plane: Promise<ControlPlane>,
    /// Nodes that are not in Kubernetes yet: the last one ends the joining.
    to_join: AtomicUsize,
    /// Everything in the repository is Ready.
    ready: OnceCell<StepId>,
}

impl<'a> Up<'a> {
    /// The path of one node: machine, host, prepared, node.
    async fn node(&self, index: usize, node: &NodePlan) -> Result<()> {
        if self.until < Phase::Machines {
            return Ok(());
        }
        let made = self.bits.wait(self.token).await?;
        let (machine, after) = self.machine(made, node).await?;
        if self.until < Phase::Connect {
            return Ok(());
        }
        let (host, after) = self.connect(node, machine.as_ref(), after).await?;
        self.hosts[index].keep(host);
        let host = self.hosts[index].wait(self.token).await?;
        if self.until < Phase::Provision {
            return Ok(());
        }
        let ground = self.ground(made);
        let after = self.provision(&ground, node, host, after).await?;
        if self.until < Phase::Kubernetes {
            return Ok(());
        }
        match node.role {
            Role::ControlPlane => self.control_plane(&ground, node, host, after).await?,
            Role::Worker => self.worker(&ground, node, host, after).await?,
        }
        if self.to_join.fetch_sub(1, Ordering::Relaxed) == 1 {
            kubernetes::end_joining(&ground, self.control_plane.wait(self.token).await?, self.step).await?;
        }
        Ok(())
    }

    async fn provision(&self, ground: &Ground<'_>, node: &NodePlan, host: &Host, after: StepId) -> Result<StepId> {
        self.phase(Phase::Provision, &node.name, &[after], async |step| {
            let mut changed = provision::provision(ground, node, host, step).await?.changed;
            changed |= registry::provision(ground, node, host, step).await?;
            // The seed holds the private host key: it goes as soon as cloud-init has read it.
            if let Some(provider) = &self.known.provider {
                changed |= provider.detach_seed(self.plan, node).await?;
            }
            changed |= provision::provision_more(ground, &self.cluster.provision, node, host, step).await?;
            Ok(((), changed))
        })
        .await
        .map(|((), id)| id)
    }

    async fn control_plane(&self, ground: &Ground<'_>, node: &NodePlan, host: &Host, after: StepId) -> Result<()> {
        let server = server_url(node.address, self.plan.kubernetes.port);
        self.phase(Phase::Kubernetes, &node.name, &[after], async |step| {
            let answers = |control_plane| self.control_plane.keep(control_plane);
            kubernetes::control_plane(ground, node, host, &server, answers, step).await?;
            registry::answers(ground, node, host, step).await?;
            // Its steps say what changed.
            Ok(((), false))
        })
        .await
        .map(drop)
    }

    async fn worker(&self, ground: &Ground<'_>, node: &NodePlan, host: &Host, after: StepId) -> Result<()> {
        let control_plane = self.control_plane.wait(self.token).await?;
        self.phase(Phase::Kubernetes, &node.name, &[after, control_plane.answered], async |step| {
            let changed = kubernetes::join(ground, node, host, control_plane, step).await?;
            Ok(((), changed))
        })
        .await
        .map(drop)
    }

    /// Flux and the repository: begins as soon as the API answers, and ends when everything is Ready.
    async fn gitops(&self) -> Result<()> {
        let Some(gitops) = self.plan.gitops.as_ref().filter(|_| self.until >= Phase::Gitops) else { return Ok(()) };
        let made = self.bits.wait(self.token).await?;
        let control_plane = self.control_plane.wait(self.token).await?;
        let host = self.hosts[0].wait(self.token).await?;
        let (ground, client) = (self.ground(made), &control_plane.client);
        if gitops.embedded {
            self.state.record_seeded()?;
        }
        let (revision, after) = self
            .phase(Phase::Gitops, &self.plan.cluster, &[control_plane.answered], async |step| {
                let wanted = phase::gitops::Wanted { gitops, secrets: &self.known.secrets };
                let work = phase::gitops::gitops(&ground, &made.bits, wanted, host, client, self.state, step);
                let revision = Box::pin(work).await?;
                Ok((revision, false))
            })
            .await?;
        if self.until < Phase::Ready {
            return Ok(());
        }
        self.phase(Phase::Ready, &self.plan.cluster, &[after], async |step| {
            let wait = phase::ready::ready(self.plan, client, &revision, step);
            record::during(client, self.state, wait).await?;
            Ok(((), false))
        })
        .await
        .map(|((), step)| {
            // It runs once.
            let _ = self.ready.set(step);
        })
    }

    /// What the spec checks, once every path has ended.
    async fn checks(&self) -> Result<(), Vec<Failure>> {
        if self.until < Phase::Checks || self.cluster.checks.is_empty() {
            return Ok(());
        }
        let after: Vec<StepId> = self.ready.get().copied().into_iter().collect();
        let step = self.step.child_of(Phase::Checks.name(), &self.plan.cluster, &after);
        let way = Way::of(self.cluster, self.state, self.plan).map_err(|failure| vec![failure])?;
        check::require(&self.cluster.checks, &way, step, self.token).await
    }

    /// Runs a phase about something as a step, after other steps, unless the run is over.
    async fn phase<T>(
        &self,
        phase: Phase,
        subject: &str,
        after: &[StepId],
        work: impl AsyncFnOnce(&Step) -> Result<(T, bool)>,
    ) -> Result<(T, StepId)> {
        if self.token.is_cancelled() {
            return Err(Failure::interrupted());
        }
        let step = self.step.child_of(phase.name(), subject, after);
        let id = step.id();
        let result = work(&step).await;
        step.conclude_as(result, |(_, changed)| *changed).map(|(value, _)| (value, id))
    }

    fn ground(&self, made: &'a Made) -> Ground<'a> {
        let (identity, bits) = (&self.known.identity, &made.node);
        Ground { plan: self.plan, identity, assets: self.assets, bits, token: self.token, uncut: self.uncut }
    }
}
