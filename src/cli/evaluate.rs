//! `seedbed evaluate`.

mod runs;

use std::path::PathBuf;

use clap::Args;
use engine::failure::{Failure, Kind};

use super::spec_argument::Spec;
use super::{Context, Ending, Global, Run, put};
use crate::evaluate::{self, Baseline, Format, Part, Request};
use crate::report::Paint;
use crate::spec::Sources;
use crate::state::State;

/// Measure the release process of a cluster: checks, order, rollout, drift and manual steps; with --runs, rebuilds
///
/// *runs*, with `--runs N`, removes the cluster and makes it anew N times, as `rebuild` does: how long each run took,
/// by phase, and whether all have the same revisions, applied objects and images by digest. A run that fails says why,
/// and the next one follows. The other parts are of the last cluster.
///
/// *checks* asks what the spec's `checks` ask. *order*: did each tier wait until those that it depends on were Ready?
/// From a watch that `up` recorded, or from what the objects still tell. And does a tier of a missing CRD stop, named,
/// with nothing after it made? Tried with two tiers of seedbed's own, which are gone again. *rollout* commits the
/// version that `evaluate.rollout` names, and takes it back by a second commit. *drift* deletes a Deployment, changes
/// replicas, a label and a key of a `ConfigMap`, once under a Kustomization and once under a HelmRelease, and waits
/// until Flux has put each right by itself; what it did not is put back. *steps* counts manual steps beside those of
/// the old way.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed evaluate
  seedbed evaluate --only rollout,order -o json > before.json
  seedbed evaluate --baseline before.json --write results   all formats, compared with before
  seedbed evaluate --only steps
  seedbed evaluate --runs 3 --write results      from nothing, three times; the last cluster stays

Exit codes: 0 all is good enough, 3 the spec or the baseline is wrong, 4 no such cluster was made,
6 something does not hold, or is worse than the spec's `evaluate.limits` or than the baseline,
130 interrupted, 1 anything else.")]
pub struct Evaluate {
    #[command(flatten)]
    spec: Spec,

    /// Evaluate only these parts, separated by commas
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    only: Vec<Part>,

    /// Remove the cluster and make it anew so many times first; images of the embedded registry are kept
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    runs: Option<u16>,

    /// Compare with an earlier evaluation, as `-o json` wrote it
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// How much longer than in the baseline a time may be, in percent; 2 s more never count
    #[arg(long, value_name = "PERCENT", default_value = "20", value_parser = clap::value_parser!(u16).range(0..=1000))]
    margin: u16,

    /// What is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    /// Also write evaluation.txt, .json, .junit.xml and .html into this directory
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
}

impl Evaluate {
    pub fn run(&self, global: &Global) -> Ending {
        let one = |failure| vec![failure];
        let margin = f64::from(self.margin) / 100.0;
        let baseline = self.baseline.as_deref().map(|file| Baseline::read(file, margin)).transpose().map_err(one)?;
        if self.runs.is_none() && self.only.contains(&Part::Runs) {
            let failure = Failure::new(Kind::Usage, "`--only runs` is about clusters made anew");
            return Err(vec![failure.hint("Say how many: `--runs 3`.")]);
        }
        let (cluster, ended) = match self.runs {
            Some(count) => {
                let cluster = self.spec.load_whole(global, Sources::Check)?;
                cluster.gitops.as_ref().ok_or_else(|| vec![cluster.without_repository()])?;
                let ended = runs::make(global, &cluster, count, self.write.as_deref());
                (cluster, ended)
            }
            None => (self.spec.load()?, runs::Ended::default()),
        };
        let state = State::of(&cluster);
        let only = if ended.interrupted { vec![Part::Runs] } else { self.only.clone() };
        let request = Request { only, baseline, runs: ended.runs };
        // Nothing of a cluster that was never made is to be left.
        let made = state.exists();
        let _lock = made.then(|| state.lock("evaluate")).transpose().map_err(one)?;
        let journal = made.then(|| super::run::journal(&state));
        let run = Run { name: "evaluate", subject: cluster.name.clone(), journal, summary: false };
        let evaluation = super::run(global, &run, async |context: &Context| {
            let work = evaluate::evaluate(&cluster, &state, &request, &context.step, &context.token);
            let mut evaluation = Box::pin(work).await?;
            let secrets = context.events().secrets();
            for case in &mut evaluation.cases {
                case.detail = secrets.mask(std::mem::take(&mut case.detail));
            }
            Ok(evaluation)
        })?;
        if let Some(directory) = &self.write {
            evaluate::write_all(&evaluation, directory).map_err(one)?;
        }
        put(&evaluate::write(&evaluation, self.output, Paint::for_stdout(global.color)));
        if ended.interrupted {
            let hint = "What ran until then is in the evaluation; `seedbed up` continues with the cluster.";
            return Err(vec![Failure::interrupted().hint(hint)]);
        }
        Ok(if evaluation.bad() { crate::error::code(Kind::NotReady) } else { 0 })
    }
}
