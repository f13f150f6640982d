//! `seedbed evaluate`.

use std::path::PathBuf;

use clap::Args;
use engine::failure::Kind;

use super::spec_argument::Spec;
use super::{Context, Ending, Global, Run, put};
use crate::evaluate::{self, Baseline, Format, Part, Request};
use crate::report::Paint;
use crate::state::State;

/// Measure the release process of a cluster that runs: checks, order, rollout, drift and manual steps
///
/// *checks* asks what the spec's `checks` ask. *order*: did each tier wait until those that it depends on were Ready?
/// From a watch that `up` recorded, or from what the objects still tell. *rollout* commits the version that
/// `evaluate.rollout` names, and takes it back by a second commit. *drift* deletes a Deployment, changes replicas, a
/// label and a key of a `ConfigMap`, once under a Kustomization and once under a HelmRelease, and waits until Flux has
/// put each right by itself; what it did not is put back. *steps* counts manual steps beside those of the old way.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed evaluate
  seedbed evaluate --only rollout,order -o json > before.json
  seedbed evaluate --baseline before.json --write results   all formats, compared with before
  seedbed evaluate --only steps

Exit codes: 0 all is good enough, 3 the spec or the baseline is wrong, 4 no such cluster was made,
6 something does not hold, or is worse than the spec's `evaluate.limits` or than the baseline,
130 interrupted, 1 anything else.")]
pub struct Evaluate {
    #[command(flatten)]
    spec: Spec,

    /// Evaluate only these parts, separated by commas
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    only: Vec<Part>,

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
        let cluster = self.spec.load()?;
        let state = State::of(&cluster);
        let margin = f64::from(self.margin) / 100.0;
        let baseline = self.baseline.as_deref().map(|file| Baseline::read(file, margin)).transpose().map_err(one)?;
        let request = Request { only: self.only.clone(), baseline };
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
        Ok(if evaluation.bad() { crate::error::code(Kind::NotReady) } else { 0 })
    }
}
