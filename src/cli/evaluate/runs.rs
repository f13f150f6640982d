//! The runs of `seedbed evaluate --runs`: each a `rebuild`, reported as one.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use engine::failure::{Failure, Kind, Result};

use crate::cli::rebuild::rebuild;
use crate::cli::run::last;
use crate::cli::{Context, Global, Run, run, say};
use crate::down::Terms;
use crate::evaluate::{Made, Portrait, Stretch};
use crate::report::{Mode, stretches};
use crate::spec::Cluster;
use crate::state::State;

/// All runs, or those until a person ended them.
#[derive(Debug, Default)]
pub struct Ended {
    pub runs: Vec<Made>,
    pub interrupted: bool,
}

/// Makes the cluster anew so many times. A run that fails is told of by what it answers; its diagnosis is kept.
pub fn make(global: &Global, cluster: &Cluster, count: u16, results: Option<&Path>) -> Ended {
    let mut ended = Ended::default();
    for number in 1..=count {
        if global.report != Some(Mode::Json) {
            say(&format!("run {number} of {count}\n"));
        }
        let start = SystemTime::now();
        let made = anew(global, cluster);
        ended.interrupted = made
            .as_ref()
            .is_err_and(|failures| crate::error::exit_code(failures) == crate::error::code(Kind::Interrupted));
        ended.runs.push(match made {
            Ok(made) => made,
            Err(failures) => failed(cluster, &failures, start, number, results),
        });
        if ended.interrupted {
            break;
        }
    }
    ended
}

fn anew(global: &Global, cluster: &Cluster) -> Result<Made, Vec<Failure>> {
    // What the repository deploys from the cluster's own registry has to be there again.
    let terms = Terms { anew: true, keep_images: cluster.registry.is_some(), ..Terms::default() };
    rebuild(global, cluster, &terms)?;
    let state = State::of(cluster);
    let (took, stretches) = times(&state);
    let portrait = portrait(global, cluster, &state)?;
    Ok(Made { took, stretches, result: Ok(portrait) })
}

/// How long the `up` took that has just ended.
fn times(state: &State) -> (Duration, Vec<Stretch>) {
    let Some(tree) = last(state) else { return (Duration::ZERO, Vec::new()) };
    let took = tree.span().map(|(start, end)| end.duration_since(start).unsigned_abs()).unwrap_or_default();
    let stretch = |(phase, spent): (crate::phase::Phase, jiff::SignedDuration)| Stretch {
        name: phase.name().into(),
        seconds: spent.as_secs_f64(),
    };
    (took, stretches(&tree).into_iter().map(stretch).collect())
}

fn portrait(global: &Global, cluster: &Cluster, state: &State) -> Result<Portrait, Vec<Failure>> {
    let look = Run { name: "evaluate", subject: cluster.name.clone(), journal: None, summary: false };
    run(global, &look, async |context: &Context| {
        context.unless_interrupted(Box::pin(crate::evaluate::portrait(cluster, state, &context.step))).await
    })
}

fn failed(cluster: &Cluster, failures: &[Failure], start: SystemTime, number: u16, results: Option<&Path>) -> Made {
    let why: Vec<String> =
        failures.iter().filter(|failure| failure.kind != Kind::Interrupted).map(ToString::to_string).collect();
    let mut why = if why.is_empty() { "interrupted".to_owned() } else { why.join("; ") };
    if let Some(kept) = keep_diagnosis(cluster, start, number, results) {
        why += &format!(" (diagnosis: {})", kept.display());
    }
    Made { took: start.elapsed().unwrap_or_default(), stretches: Vec::new(), result: Err(why) }
}

/// The next run removes the state directory, and with it what tells why this one failed.
fn keep_diagnosis(cluster: &Cluster, start: SystemTime, number: u16, results: Option<&Path>) -> Option<PathBuf> {
    let state = State::of(cluster);
    let newest = crate::diagnose::newest(&state)?;
    // An older one is of an earlier run.
    newest.metadata().and_then(|metadata| metadata.modified()).ok().filter(|made| *made >= start)?;
    let beside = state.directory().parent()?;
    let directory = results.unwrap_or(beside);
    std::fs::create_dir_all(directory).ok()?;
    let kept = directory.join(format!("{}-run-{number}-diagnosis.tar.gz", cluster.name));
    // A copy: the failure that was printed names the one that lies there.
    std::fs::copy(newest, &kept).ok()?;
    Some(kept)
}
