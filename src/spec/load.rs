//! From text to a checked cluster, reporting every mistake at once.

use std::fs;
use std::path::{Path, PathBuf};

use engine::failure::Failure;

use super::cluster::Cluster;
use super::convert::{self, Context, Reference, Sourced};
use super::known::Known;
use super::problems::Problems;
use super::raw;
use super::read::{Placed, Read as _};
use super::repository::Report;
use super::sources::Sources;
use super::tree;
use crate::assets::Assets;

/// What was read, mistakes and all.
struct Draft<'text> {
    problems: Problems<'text>,
    /// Missing only where the text is not YAML.
    cluster: Option<Cluster>,
    references: Vec<Reference>,
    sources: Vec<Sourced>,
    /// Where the folder in the repository was named.
    path: Option<tree::Span>,
}

/// Reads a spec's text. `file` is its name for messages; relative paths start from its directory. Touches no file.
pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Cluster, Vec<Failure>> {
    draft(text, file.as_ref(), &Known::with(&Assets::embedded())).finish()
}

/// Reads a spec without looking for the files that it names.
///
/// A cluster that exists can be looked at and removed when the repository that it came from has moved.
pub fn load_alone(file: impl AsRef<Path>) -> Result<Cluster, Vec<Failure>> {
    let file = file.as_ref();
    let text = fs::read_to_string(file).map_err(|error| vec![unreadable(file, &error)])?;
    draft(&text, file, &Known::with(&Assets::beside(directory(file)))).finish()
}

/// Reads a spec and looks for the files that it names.
pub fn load(file: impl AsRef<Path>) -> Result<Cluster, Vec<Failure>> {
    let file = file.as_ref();
    let text = fs::read_to_string(file).map_err(|error| vec![unreadable(file, &error)])?;
    let known = Known::with(&Assets::beside(directory(file)));
    let mut draft = draft(&text, file, &known);
    draft.look_for_files();
    draft.finish()
}

/// Reads a spec, looks for the files that it names, and looks into them: what `validate` reports.
///
/// `sources` says whether it is looked for what secrets are read from, too.
/// Warnings are what deserves a word and stops nothing.
pub fn validate(file: impl AsRef<Path>, sources: Sources) -> Report {
    let file = file.as_ref();
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return Report { failures: vec![unreadable(file, &error)], warnings: Vec::new() },
    };
    let known = Known::with(&Assets::beside(directory(file)));
    let mut draft = draft(&text, file, &known);
    let repository = draft.look_for_files();
    if sources == Sources::Check {
        draft.look_for_sources();
    }
    let mut report = draft.cluster.as_ref().map(|cluster| inspect(cluster, repository)).unwrap_or_default();
    let mut failures = draft.problems.into_failures();
    failures.append(&mut report.failures);
    Report { failures, ..report }
}

/// Looks into the files of a spec that `load` accepted: the repository and the files that override embedded ones.
fn inspect(cluster: &Cluster, repository: bool) -> Report {
    let gitops = cluster.gitops.as_ref().filter(|_| repository);
    let mut report = gitops.map(super::repository::check).unwrap_or_default();
    let assets = Assets::beside(&cluster.directory);
    report.failures.extend(assets.strays(&cluster.provision.playbooks));
    report.failures.extend(super::playbooks::check(cluster, &assets));
    report
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    let failure = Failure::invalid(format!("cannot read the spec {}", file.display())).cause(error);
    match error.kind() {
        std::io::ErrorKind::NotFound => failure
            .hint("`seedbed init` makes a spec to start from.")
            .hint("A spec elsewhere is named as the last argument."),
        _ => failure,
    }
}

/// The directory of a file; of a bare name, the current one.
fn directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn draft<'text>(text: &'text str, file: &Path, known: &Known) -> Draft<'text> {
    let mut problems = Problems::new(&file.display().to_string(), text);
    let spec = match tree::parse(text) {
        Err(error) => {
            problems.syntax(&error);
            None
        }
        Ok(mut documents) => {
            documents.retain(|document| !document.is_null());
            if let Some(second) = documents.get(1) {
                let failure = Failure::invalid("a second document begins: a spec is one document");
                problems.at(second.span, failure.hint("Write each cluster into a file of its own."));
            }
            if documents.is_empty() {
                problems.whole(Failure::invalid("the spec is empty").hint("`seedbed init` makes one to start from."));
            }
            documents.first().and_then(|spec| Placed::<raw::Spec>::read(spec, &mut problems))
        }
    };
    let Some(spec) = spec else {
        return Draft { problems, cluster: None, references: Vec::new(), sources: Vec::new(), path: None };
    };
    let directory = directory(file);
    let mut context =
        Context { problems: &mut problems, known, directory: &directory, references: Vec::new(), sources: Vec::new() };
    let cluster = convert::cluster(&spec, file, &mut context);
    let Context { references, sources, .. } = context;
    let gitops = spec.gitops.as_ref().filter(|gitops| gitops.source.is_some());
    let path = gitops.map(|gitops| gitops.path.as_ref().map_or(gitops.span, |path| path.span));
    Draft { problems, cluster: Some(cluster), references, sources, path }
}

impl Draft<'_> {
    fn finish(self) -> Result<Cluster, Vec<Failure>> {
        match self.cluster {
            Some(cluster) if self.problems.none() => Ok(cluster),
            _ => Err(self.problems.into_failures()),
        }
    }

    fn look_for_sources(&mut self) {
        for Sourced { span, source } in &self.sources {
            if let Some(failure) = super::sources::check(source) {
                self.problems.at(*span, failure);
            }
        }
    }

    /// Answers whether the repository can be looked into.
    fn look_for_files(&mut self) -> bool {
        for reference in &self.references {
            if let Some(failure) = missing(reference) {
                self.problems.at(reference.span, failure);
            }
        }
        let gitops = self.cluster.as_ref().and_then(|cluster| cluster.gitops.as_ref());
        let (Some(gitops), Some(span)) = (gitops, self.path) else { return false };
        if !gitops.source.is_dir() {
            return false;
        }
        match super::repository::folder(gitops) {
            Ok(()) => true,
            Err(failure) => {
                self.problems.at(span, failure);
                false
            }
        }
    }
}

fn missing(reference: &Reference) -> Option<Failure> {
    let Reference { path, what, directory, .. } = reference;
    let shown = path.display();
    let failure = match fs::metadata(path) {
        Err(error) => Failure::invalid(format!("{what} {shown} cannot be read")).cause(error),
        Ok(found) if found.is_dir() == *directory => return None,
        Ok(_) if *directory => Failure::invalid(format!("{what} {shown} is a file, not a directory")),
        Ok(_) => Failure::invalid(format!("{what} {shown} is a directory, not a file")),
    };
    let siblings = fs::read_dir(path.parent()?).into_iter().flatten().flatten();
    let names: Vec<String> = siblings.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let wanted = path.file_name()?.to_string_lossy();
    Some(match super::problems::nearest(&wanted, names.iter().map(String::as_str)).filter(|near| **near != *wanted) {
        Some(near) => failure.hint(format!("There is `{near}` beside it.")),
        None => failure.hint("Relative paths start from the spec's directory."),
    })
}
