//! `seedbed diagnose`: one archive that tells why a cluster is not as it should be. Alters nothing.
//!
//! Sources are asked side by side, each with a deadline: what is dead costs its deadline and is listed with why.
//! What was gathered is masked as a whole at the end, when every secret is known.

mod archive;
mod collector;
mod content;
mod ground;
mod hosts;
mod kubernetes;
mod logs;
mod machines;
mod mask;
mod object;
mod page;
mod secrets;
mod workstation;

use std::path::{Path, PathBuf};

use engine::event::Step;
use engine::failure::{Failure, Result};

use collector::{Collector, Level};
use ground::Ground;

use crate::spec::Cluster;
use crate::state::State;

/// An archive that was written.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    pub archive: PathBuf,
    /// The first page, which begins with the cause; masked.
    pub page: String,
}

/// Gathers what tells why a cluster is not as it should be, and writes it into an archive that only its owner may read.
///
/// `reported` is what a failed `up` ended with; without it, the first page begins with what is wrong now.
pub async fn diagnose(
    cluster: &Cluster,
    state: &State,
    reported: &[Failure],
    file: &Path,
    step: &Step,
) -> Result<Diagnosis> {
    let known = step.events().secrets();
    let ground = Ground::read(cluster, state);
    secrets::register(cluster, ground.identity.as_ref(), ground.applied.as_ref(), known);
    let collector = Collector::new(ground.slowness());
    ground.problem.iter().for_each(|failure| collector.problem(Level::State, failure.clone()));
    tokio::join!(
        machines::gather(&ground, &collector, step),
        hosts::gather(&ground, &collector, step),
        kubernetes::gather(&ground, &collector, step),
        workstation::gather(&ground, &collector),
    );
    let packing = step.child("pack");
    let mut found = collector.end();
    let mask = mask::Mask::new(known);
    let files = std::mem::take(&mut found.files);
    let files = files.into_iter().map(|(name, content)| (name, mask.content(content))).collect();
    let page = mask.mask(&page::page(cluster, reported, &found, &files));
    archive::write(file, &page, &files)?;
    packing.note(format!("{} files, {} that could not be had", files.len(), found.missing.len()));
    packing.finish(false);
    Ok(Diagnosis { archive: file.to_owned(), page })
}

/// Where an archive goes that nobody named a file for; of those that lie there, only the newest few are kept.
pub fn place(cluster: &Cluster, state: &State) -> Result<PathBuf> {
    archive::place(cluster, state)
}

/// The newest archive of those that were made without a name.
pub fn newest(state: &State) -> Option<PathBuf> {
    archive::all(state).pop()
}
