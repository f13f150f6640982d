//! Looks through the repository for what would keep it from becoming Ready.

mod files;
mod flux;
mod rules;

use engine::failure::{Failure, Result};

use super::cluster::Gitops;
use super::problems::{MaybeHint as _, did_you_mean};
use files::Files;

/// What is wrong, and what only deserves a word.
#[derive(Debug, Default)]
pub struct Report {
    pub failures: Vec<Failure>,
    pub warnings: Vec<Failure>,
}

/// Checks everything that Flux would apply. Runs `git`, and alters nothing.
pub fn check(gitops: &Gitops) -> Report {
    let files = match Files::read(gitops) {
        Ok(files) => files,
        Err(failure) => return Report { failures: vec![failure], warnings: Vec::new() },
    };
    if let Err(failure) = folder_in(&files, gitops) {
        return Report { failures: vec![failure], warnings: Vec::new() };
    }
    let mut report = Report::default();
    let tree = flux::Tree::read(&files, gitops, &mut report);
    rules::check(&tree, &mut report);
    report
}

/// Whether the folder that Flux applies first is in what will be seeded.
pub fn folder(gitops: &Gitops) -> Result<()> {
    folder_in(&Files::read(gitops)?, gitops)
}

fn folder_in(files: &Files, gitops: &Gitops) -> Result<()> {
    if files.has_directory(&gitops.path) {
        return Ok(());
    }
    let failure = Failure::invalid(format!("the folder `{}` is not in {}", gitops.path, files.origin()));
    let directories = files.directories();
    let failure = failure.maybe_hint(did_you_mean(&gitops.path, directories.iter().map(String::as_str)));
    let lies_there = files.committed && gitops.source.join(&gitops.path).is_dir();
    Err(if lies_there { failure.hint("It is there, but not committed: `git add` and `git commit`.") } else { failure })
}

#[cfg(test)]
mod tests;
