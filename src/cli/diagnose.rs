//! `seedbed diagnose`.

use std::path::{Path, PathBuf};

use clap::Args;
use engine::event::Secrets;
use engine::failure::{Failure, Kind, Result};

use super::spec_argument::Spec;
use super::{Context, Ending, Global, Run, put, say};
use crate::diagnose::Diagnosis;
use crate::report::Mode;
use crate::spec::Cluster;
use crate::state::State;

/// Gather everything that tells why a cluster is not as it should be, into one archive
///
/// Its first page, README.txt, begins with the cause. Then: the last run and its journal, the machines' consoles,
/// journals and containers of each node, objects of Flux, pods, nodes, events, controllers' logs, the plan. What
/// cannot be had within its time is listed with why. Secrets are masked; the Secrets of the cluster are listed by
/// name only. Alters nothing, and works beside an `up`. An `up` that fails does the same by itself.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed diagnose                       prints the path of the archive
  seedbed diagnose -o /tmp/demo.tar.gz
  tar -xzOf \"$(seedbed diagnose)\" --wildcards '*/README.txt'

Without -o it lies in `.seedbed/<cluster>/diagnosis/` beside the spec, where the newest five are kept.

Exit codes: 0 the archive is written, 3 the spec is wrong, 4 the cluster was never up from here,
130 interrupted, 1 anything else.")]
pub struct Diagnose {
    #[command(flatten)]
    spec: Spec,

    /// Write the archive to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Diagnose {
    pub fn run(&self, global: &Global) -> Ending {
        let cluster = self.spec.load()?;
        let state = State::of(&cluster);
        let file = match &self.output {
            Some(file) => file.clone(),
            None if state.exists() => crate::diagnose::place(&cluster, &state).map_err(|failure| vec![failure])?,
            None => return Err(vec![never_up(&cluster, &state)]),
        };
        let diagnosis = gather(global, &cluster, &state, &[], &file, &Secrets::default())?;
        if global.report != Some(Mode::Json) {
            say(&format!("\n{}\n", beginning(&diagnosis.page)));
        }
        put(&format!("{}\n", diagnosis.archive.display()));
        Ok(0)
    }
}

fn never_up(cluster: &Cluster, state: &State) -> Failure {
    Failure::refused(format!("{} was never up from here", cluster.name))
        .cause(format!("there is no {}", state.directory().display()))
        .hint("`seedbed up` makes the cluster.")
        .hint("Name a file to see what libvirt has of it all the same: `seedbed diagnose -o FILE`.")
}

/// The first page until it tells what else is in the archive.
fn beginning(page: &str) -> &str {
    page.split("\nThe cluster ").next().unwrap_or(page).trim_end()
}

fn gather(
    global: &Global,
    cluster: &Cluster,
    state: &State,
    reported: &[Failure],
    file: &Path,
    secrets: &Secrets,
) -> Result<Diagnosis, Vec<Failure>> {
    let run = Run { name: "diagnose", subject: cluster.name.clone(), journal: None, summary: false };
    super::run(global, &run, async |context: &Context| {
        context.events().secrets().adopt(secrets);
        let diagnosis = crate::diagnose::diagnose(cluster, state, reported, file, &context.step);
        // Nothing was altered, and nothing half written stays.
        context.unless_interrupted(async { diagnosis.await.map_err(|failure| vec![failure]) }).await
    })
}

/// Diagnoses what an `up` ended with; the first failure tells where the archive lies.
///
/// What goes wrong here never hides what went wrong there.
pub fn after(
    global: &Global,
    cluster: &Cluster,
    state: &State,
    mut failures: Vec<Failure>,
    secrets: &Secrets,
) -> Vec<Failure> {
    let diagnosed = crate::diagnose::place(cluster, state)
        .map_err(|failure| vec![failure])
        .and_then(|file| gather(global, cluster, state, &failures, &file, secrets));
    let hint = match diagnosed {
        Ok(diagnosis) => format!("Everything that tells why is in {}.", diagnosis.archive.display()),
        Err(others) => {
            let why: Vec<String> = others.iter().map(ToString::to_string).collect();
            format!("There is no diagnosis ({}); `seedbed diagnose` gathers one.", why.join("; "))
        }
    };
    if let Some(failure) = failures.iter_mut().find(|failure| failure.kind != Kind::Interrupted) {
        failure.hints.push(hint);
    }
    failures
}
