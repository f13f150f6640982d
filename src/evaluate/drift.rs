//! How long it takes until what was altered by hand is as in Git again. Nothing is nudged.

mod alter;
mod choose;
mod owned;

use std::time::{Duration, Instant};

use engine::event::Step;
use engine::failure::Result;
use futures::future::join_all;
use kube::Client;
use tokio_util::sync::CancellationToken;

pub use choose::{Applier, Choice, Kind};

use super::result::{Case, Part};
use crate::flux::read_appliers;
use crate::plan::Pace;
use alter::Altered;

/// How drift is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The pause between two looks at an object that was altered.
    pub pause: Duration,
    /// What is given on top of two intervals.
    pub more: Duration,
}

impl Patience {
    pub const fn of(pace: Pace) -> Self {
        match pace {
            Pace::Native => Self { pause: Duration::from_millis(500), more: Duration::from_secs(120) },
            Pace::Emulated => Self { pause: Duration::from_secs(2), more: Duration::from_secs(480) },
        }
    }
}

/// Alters objects that Flux applied, and waits until each is as in Git again; what is not is put back by hand.
///
/// Each alteration is made once under a Kustomization and once under a release, where there is an object for it.
pub async fn drift(client: &Client, patience: Patience, step: &Step, token: &CancellationToken) -> Result<Vec<Case>> {
    let appliers = read_appliers(client).await?;
    let objects = choose::read(client, &appliers).await?;
    let sides =
        [Applier::Kustomization, Applier::HelmRelease].map(|applier| choose::choose(&appliers, &objects, applier));
    let runs = sides.into_iter().map(|choices| side(client, choices, patience, step, token));
    Ok(join_all(runs).await.into_iter().flatten().collect())
}

/// The alterations under one kind of applier: in rounds, so that a deleted object is not altered in the same moment.
async fn side(
    client: &Client,
    choices: Vec<Choice>,
    patience: Patience,
    step: &Step,
    token: &CancellationToken,
) -> Vec<Case> {
    let mut cases = Vec::new();
    for round in rounds(choices) {
        let all = round.into_iter().map(|choice| one(client, choice, patience, step, token));
        cases.extend(join_all(all).await);
    }
    cases
}

/// Alterations that can be made at once: a deletion shares its object with none.
fn rounds(choices: Vec<Choice>) -> Vec<Vec<Choice>> {
    let mut rounds: Vec<Vec<Choice>> = Vec::new();
    for choice in choices {
        let free = rounds.iter_mut().find(|round| !round.iter().any(|other| choice.conflicts(other)));
        match free {
            Some(round) => round.push(choice),
            None => rounds.push(vec![choice]),
        }
    }
    rounds
}

async fn one(client: &Client, choice: Choice, patience: Patience, step: &Step, token: &CancellationToken) -> Case {
    let name = choice.name();
    let target = match choice.target {
        Ok(target) => target,
        Err(why) => return Case::skipped(Part::Drift, name, why),
    };
    let step = step.child_of(choice.kind.verb(), target.object.key().to_string(), &[]);
    let seconds = target.interval.as_secs_f64();
    let case = if token.is_cancelled() {
        Case::skipped(Part::Drift, name, "interrupted before it was altered")
    } else {
        match alter::alter(client, choice.kind, &target).await {
            Ok(altered) => watch(client, &altered, name, &target, patience, &step, token).await,
            Err(failure) => Case::failed(Part::Drift, name, format!("it could not be altered: {failure}")),
        }
    };
    step.note(match case.value {
        Some(value) => format!("as in Git again after {value:.1} s (looks every {seconds:.0} s)"),
        None => case.detail.clone(),
    });
    step.finish(false);
    Case { interval: Some(seconds), ..case }
}

/// Waits until it is as before, and puts it back where nobody else did.
async fn watch(
    client: &Client,
    altered: &Altered,
    name: String,
    target: &choose::Target,
    patience: Patience,
    step: &Step,
    token: &CancellationToken,
) -> Case {
    let start = Instant::now();
    let deadline = target.interval * 2 + patience.more;
    let what = format!("{}, of {}", altered, target.by);
    let restored = async {
        let mut shown = String::new();
        loop {
            match altered.restored(client).await {
                Ok(true) => return,
                // The API server of a small machine is busy now and then.
                Err(failure) if failure.to_string() != shown => {
                    shown = failure.to_string();
                    step.waiting(shown.clone());
                }
                Ok(false) | Err(_) => {}
            }
            tokio::time::sleep(patience.pause).await;
        }
    };
    step.waiting(format!("{} is as in Git again, within {} s", target.object.key(), deadline.as_secs()));
    let ended = token.run_until_cancelled(tokio::time::timeout(deadline, restored)).await;
    let why = match ended {
        Some(Ok(())) => return Case::passed(Part::Drift, name, what).measured(start.elapsed().as_secs_f64()),
        Some(Err(_)) => format!("not restored within {} s", deadline.as_secs()),
        None => "interrupted".into(),
    };
    let back = match altered.put_back(client).await {
        Ok(()) => "put back by hand".to_owned(),
        Err(failure) => {
            step.warn(format!("{what}: {failure}"));
            format!("it could not be put back: {failure}")
        }
    };
    Case::failed(Part::Drift, name, format!("{what}: {why}, {back}"))
}
