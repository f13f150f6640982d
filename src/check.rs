//! What must hold in a cluster beyond Ready: asked until it holds, or its deadline has passed.

mod answer;
mod command;
mod condition;
mod http;
mod metric;
mod samples;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use engine::event::Step;
use engine::failure::{Failure, Kind};
use engine::wait::{Patience, Seen, until};
use futures::future::{LocalBoxFuture, join_all};
use kube::Client;
use tokio_util::sync::CancellationToken;

use crate::identity::Identity;
use crate::kube::{connect_as_is, server_url};
use crate::plan::Plan;
use crate::spec::{Asks, Check, Cluster};
use crate::state::State;

/// How long one look may take, so that an answer that hangs is not the whole deadline.
const LOOK: Duration = Duration::from_secs(20);

/// The way to what is checked.
#[derive(Clone)]
pub struct Way {
    pub client: Client,
    /// What commands find in KUBECONFIG.
    pub kubeconfig: PathBuf,
    /// Where commands run.
    pub directory: PathBuf,
}

impl Way {
    /// The way to a cluster that `up` made; nothing is sent yet.
    pub fn of(cluster: &Cluster, state: &State, plan: &Plan) -> Result<Self, Failure> {
        let identity = Identity::load(state.directory())?;
        let identity =
            identity.ok_or_else(|| Failure::refused("the cluster has no identity").hint("Run `seedbed up`."))?;
        let server = server_url(plan.kubernetes.address, plan.kubernetes.port);
        // What a Service answers is what is asked for, also where that is 503.
        let client = connect_as_is(&identity, &server)?;
        let directory = std::path::absolute(&cluster.directory).unwrap_or_else(|_| cluster.directory.clone());
        Ok(Self { client, kubeconfig: state.kubeconfig(), directory })
    }
}

/// How one check ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub name: String,
    pub took: Duration,
    /// What was answered last, or why it did not hold.
    pub result: Result<String, Failure>,
}

/// Asks what checks ask, side by side; each ends by its own deadline.
pub async fn ask(checks: &[Check], way: &Way, step: &Step) -> Vec<Outcome> {
    join_all(checks.iter().map(|check| one(check, way, step))).await
}

/// The same as a step that fails unless all hold.
pub async fn require(checks: &[Check], way: &Way, step: Step, token: &CancellationToken) -> Result<(), Vec<Failure>> {
    let Some(outcomes) = token.run_until_cancelled(ask(checks, way, &step)).await else {
        return Err(vec![Failure::interrupted()]);
    };
    let failures: Vec<Failure> = outcomes.into_iter().filter_map(|outcome| outcome.result.err()).collect();
    match failures.first() {
        None => {
            step.finish(false);
            Ok(())
        }
        Some(first) => {
            step.fail(first);
            Err(failures)
        }
    }
}

async fn one(check: &Check, way: &Way, step: &Step) -> Outcome {
    let step = step.child_of("check", &check.name, &[]);
    let start = Instant::now();
    let slowest = (check.deadline / 6).clamp(Duration::from_millis(500), Duration::from_secs(10));
    let patience = Patience { deadline: check.deadline, fastest: Duration::from_millis(500), slowest };
    let asked = until(&step, &check.asks.to_string(), patience, Kind::NotReady, async || look(check, way).await).await;
    let result = asked.map_err(|failure| explain(check, failure, start.elapsed()));
    if let Ok(answer) = &result {
        step.note(answer.clone());
    }
    Outcome { name: check.name.clone(), took: start.elapsed(), result: step.conclude_as(result, |_| false) }
}

async fn look(check: &Check, way: &Way) -> Result<Seen<String>, Failure> {
    let looked: LocalBoxFuture<'_, Result<String, String>> = match &check.asks {
        Asks::Http(wanted) => Box::pin(http::look(wanted, way)),
        Asks::Condition(wanted) => Box::pin(condition::look(wanted, way)),
        Asks::Metric(wanted) => Box::pin(metric::look(wanted, way)),
        // It may take as long as the deadline: who writes a command knows what it does.
        Asks::Command(words) => return command::look(words, way).await,
    };
    let answer = tokio::time::timeout(LOOK, looked).await;
    let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {} s", LOOK.as_secs())));
    Ok(answer.map_or_else(Seen::NotYet, Seen::Ready))
}

/// Says which check it was, what it asks, and where the spec says so.
fn explain(check: &Check, failure: Failure, took: Duration) -> Failure {
    let answer = failure.causes.last().cloned().unwrap_or_else(|| failure.what.clone());
    let asked = format!("It was asked for {} s, which ended with this answer.", took.as_secs());
    Failure::not_ready(format!("the check `{}` does not hold", check.name))
        .cause(&check.asks)
        .cause(answer)
        .place(check.place.clone())
        .hint(format!("{asked} `seedbed up` asks again; `deadline` in the spec gives it more time."))
}
