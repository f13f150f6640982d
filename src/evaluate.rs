//! `seedbed evaluate`: the release process of a cluster, measured.
//!
//! Each part answers cases; comparing them with limits, and writing them, is pure.

mod compare;
mod created;
pub mod drift;
mod missing;
pub mod order;
pub mod output;
mod portrait;
pub mod record;
mod result;
pub mod rollout;
mod runs;
mod steps;

use std::time::{Duration, Instant};

use engine::event::Step;
use engine::failure::{Failure, Kind, Result};
use engine::wait::{Patience, Seen, until};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use compare::{Baseline, compare};
pub use output::{Format, write, write_all};
pub use portrait::Portrait;
pub use result::{Case, Evaluation, Outcome, Part, Stretch, Unit, VERSION};
pub use runs::Made;
pub use steps::steps;

use crate::check::{self, Way};
use crate::flux;
use crate::githost;
use crate::gitops::Reached;
use crate::phase;
use crate::plan::Pace;
use crate::spec::{Cluster, GitHost};
use crate::state::State;

/// What is evaluated, and what it is compared with.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Empty: all there is.
    pub only: Vec<Part>,
    pub baseline: Option<Baseline>,
    /// The cluster was made anew so many times; the last of them is there now.
    pub runs: Vec<Made>,
}

impl Request {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// What is looked at in a cluster that runs; nothing where there is none.
    fn parts(&self) -> Result<Vec<Part>, Vec<Case>> {
        let looks = |part: &Part| !matches!(part, Part::Runs | Part::Steps) && self.wants(*part);
        let parts: Vec<Part> = Part::ALL.into_iter().filter(looks).collect();
        if self.runs.last().is_some_and(|last| last.result.is_err()) {
            let skipped = |part: Part| Case::skipped(part, part.name(), "the last run left no cluster that is Ready");
            return Err(parts.into_iter().map(skipped).collect());
        }
        Ok(parts)
    }
}

/// What a cluster is that runs.
pub async fn portrait(cluster: &Cluster, state: &State, step: &Step) -> Result<Portrait, Vec<Failure>> {
    let reached = Reached::find(cluster, state, step).await?;
    let snapshot = flux::Reader::new(reached.client).read(true).await.map_err(|failure| vec![failure])?;
    Ok(Portrait::of(&snapshot))
}

/// Evaluates a cluster that runs. It ends as it was, but for two commits of a rollout.
pub async fn evaluate(
    cluster: &Cluster,
    state: &State,
    request: &Request,
    step: &Step,
    token: &CancellationToken,
) -> Result<Evaluation, Vec<Failure>> {
    let (at, start) = (Timestamp::now(), Instant::now());
    let mut cases = if request.runs.is_empty() { Vec::new() } else { runs::cases(&request.runs) };
    let parts = request.parts().unwrap_or_else(|skipped| {
        cases.extend(skipped);
        Vec::new()
    });
    // Counting steps needs no cluster.
    let found = if parts.is_empty() { Ok(None) } else { Reached::find(cluster, state, step).await.map(Some) };
    let reached = match found {
        Ok(reached) => reached,
        Err(failures) if cases.is_empty() => return Err(failures),
        // What the runs told is not lost.
        Err(failures) => {
            let why = failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            cases.extend(parts.iter().map(|part| Case::failed(*part, part.name(), &why)));
            None
        }
    };
    if let Some(reached) = &reached {
        let run = Run { cluster, state, reached, step, token };
        for part in parts {
            if token.is_cancelled() {
                return Err(vec![Failure::interrupted()]);
            }
            cases.extend(run.part(part).await);
        }
    }
    if request.wants(Part::Steps) {
        cases.extend(steps());
    }
    if token.is_cancelled() {
        return Err(vec![Failure::interrupted()]);
    }
    compare(&mut cases, &cluster.evaluate.limits, request.baseline.as_ref());
    let pace = match reached.as_ref().map(|reached| reached.plan.pace) {
        Some(Pace::Native) => "native",
        Some(Pace::Emulated) => "emulated",
        None => "unknown",
    };
    Ok(Evaluation {
        version: VERSION,
        seedbed: env!("CARGO_PKG_VERSION").into(),
        cluster: cluster.name.clone(),
        at,
        took: start.elapsed().as_secs_f64(),
        pace: pace.into(),
        cases,
    })
}

struct Run<'a> {
    cluster: &'a Cluster,
    state: &'a State,
    reached: &'a Reached,
    step: &'a Step,
    token: &'a CancellationToken,
}

impl Run<'_> {
    /// One part. What cannot be evaluated at all is one case that failed: the others go on.
    async fn part(&self, part: Part) -> Vec<Case> {
        let step = self.step.child_of("evaluate", part.name(), &[]);
        let result = match part {
            Part::Checks => self.checks(&step).await,
            Part::Order => self.order(&step).await,
            Part::Rollout => self.rollout(&step).await,
            Part::Drift => self.drift(&step).await,
            Part::Runs | Part::Steps => Ok(Vec::new()),
        };
        let changed = matches!(part, Part::Rollout | Part::Drift);
        match step.conclude_as(result, |_| changed) {
            Ok(cases) => cases,
            Err(failure) => vec![Case::failed(part, part.name(), failure.to_string())],
        }
    }

    async fn checks(&self, step: &Step) -> Result<Vec<Case>> {
        let way = Way::of(self.cluster, self.state, &self.reached.plan)?;
        let asked = self.token.run_until_cancelled(check::ask(&self.cluster.checks, &way, step)).await;
        let outcomes = asked.unwrap_or_default();
        if outcomes.is_empty() {
            return Ok(vec![Case::skipped(Part::Checks, "checks", "the spec has no `checks`")]);
        }
        let case = |outcome: check::Outcome| match outcome.result {
            Ok(answer) => Case::passed(Part::Checks, outcome.name, answer).measured(outcome.took.as_secs_f64()),
            Err(failure) => Case::failed(Part::Checks, outcome.name, failure.to_string()),
        };
        Ok(outcomes.into_iter().map(case).collect())
    }

    async fn order(&self, step: &Step) -> Result<Vec<Case>> {
        let reached = self.reached;
        let ground = missing::Ground {
            client: &reached.client,
            remote: &reached.entrance.remote,
            own: matches!(reached.gitops.spec.host, GitHost::Embedded),
            pace: reached.plan.pace,
        };
        // It takes away what one that was killed left: those are no tiers of the user.
        let missing = missing::missing(&ground, step, self.token).await;
        let mut cases = order::order(&reached.client, record::Recording::load(self.state).as_ref()).await?;
        cases.extend(missing);
        Ok(cases)
    }

    async fn rollout(&self, step: &Step) -> Result<Vec<Case>> {
        let Some(wanted) = &self.cluster.evaluate.rollout else {
            let why = "the spec does not say which value is a version: `evaluate: {rollout: {file, key, to}}`";
            return Ok(vec![Case::skipped(Part::Rollout, "rollout", why)]);
        };
        self.require_ready(step).await?;
        let reached = self.reached;
        let ground = rollout::Ground {
            client: &reached.client,
            source: &reached.source,
            remote: &reached.entrance.remote,
            url: &reached.gitops.url,
            expected: phase::ready::expected_at(&reached.plan, String::new()),
        };
        let cases = rollout::rollout(&ground, wanted, step, self.token).await;
        // Two commits are there that the user's branch lacks.
        match githost::pull(&reached.source, ground.remote, &self.cluster.directory).await {
            Ok(fetched) => {
                fetched.tell(&reached.gitops.spec.source, step);
            }
            Err(failure) => step.warn(format!("`seedbed gitops pull` brings the commits of the rollout: {failure}")),
        }
        Ok(cases)
    }

    async fn drift(&self, step: &Step) -> Result<Vec<Case>> {
        self.require_ready(step).await?;
        let patience = drift::Patience::of(self.reached.plan.pace);
        drift::drift(&self.reached.client, patience, step, self.token).await
    }

    /// What is not Ready to begin with cannot be measured.
    async fn require_ready(&self, step: &Step) -> Result<()> {
        let patience = Patience::for_seconds(120).every(Duration::from_secs(1), Duration::from_secs(5));
        until(step, "everything is Ready", patience, Kind::NotReady, async || {
            let objects = flux::status(&self.reached.client).await?;
            // An object may be looked at by Flux just now.
            Ok(match objects.iter().find(|object| !object.ready && !object.suspended) {
                Some(object) => Seen::NotYet(format!("{}: {}", object.key, object.message)),
                None => Seen::Ready(()),
            })
        })
        .await
        .map_err(|failure| failure.hint("`seedbed status` shows more; `seedbed up` brings it to Ready."))
    }
}

#[cfg(test)]
mod tests;
