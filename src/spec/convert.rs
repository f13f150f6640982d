//! Converts what the user wrote into what the program uses, and finds what does not go together.
//!
//! Every function goes on with a default after a mistake: the result counts only if there was none.

mod artifacts;
mod checks;
mod evaluate;
mod gitops;
mod kubernetes;
mod machines;
mod networks;
mod nodes;
mod provision;
mod registry;
mod secrets;

use std::path::{Path, PathBuf};

use engine::failure::Failure;

use super::cluster::{Cluster, SecretSource};
use super::known::Known;
use super::problems::Problems;
use super::raw;
use super::read::Placed;
use super::tree::Span;

/// What a conversion needs beside its own part.
pub struct Context<'c, 'text> {
    pub problems: &'c mut Problems<'text>,
    pub known: &'c Known,
    /// Relative paths start here.
    pub directory: &'c Path,
    /// What the spec refers to, looked at by `load`.
    pub references: Vec<Reference>,
    /// What secrets are read from, looked at by `validate` and `up`.
    pub sources: Vec<Sourced>,
}

/// Where a secret's value is read from, and where the spec says so.
#[derive(Clone, Debug)]
pub struct Sourced {
    pub span: Span,
    pub source: SecretSource,
}

/// A file or directory that the spec names.
#[derive(Clone, Debug)]
pub struct Reference {
    pub span: Span,
    pub path: PathBuf,
    /// What it is, as in `the playbook`.
    pub what: &'static str,
    pub directory: bool,
}

impl Context<'_, '_> {
    fn invalid(&mut self, span: Span, failure: Failure) {
        self.problems.at(span, failure);
    }

    /// The path from the spec's directory, noted as a reference.
    fn path(&mut self, written: &Placed<String>, what: &'static str, directory: bool) -> PathBuf {
        let path = self.directory.join(expand_home(written.strip_prefix("./").unwrap_or(written)));
        self.references.push(Reference { span: written.span, path: path.clone(), what, directory });
        path
    }

    /// Reports a key that must be there.
    fn required(&mut self, given: &[String], key: &str, of: Span, whose: &str) {
        if !given.iter().any(|name| name == key) {
            let failure = Failure::invalid(format!("`{key}` is missing from {whose}"));
            self.invalid(of, failure.hint("seedbed.schema.json describes every key; editors read it."));
        }
    }

    /// Reports keys that mean nothing here.
    fn meaningless(&mut self, keys: &[(&str, Option<Span>)], why: &str) {
        for (key, span) in keys {
            if let Some(span) = span {
                self.invalid(*span, Failure::invalid(format!("`{key}` means nothing here: {why}")).hint("Remove it."));
            }
        }
    }
}

fn expand_home(written: &str) -> PathBuf {
    match (written.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(written),
    }
}

/// The place of an optional value.
fn span<T>(field: Option<&Placed<T>>) -> Option<Span> {
    field.map(|placed| placed.span)
}

/// Converts the whole spec.
pub fn cluster(spec: &Placed<raw::Spec>, file: &Path, context: &mut Context<'_, '_>) -> Cluster {
    context.required(&spec.given, "cluster", spec.span, "the spec");
    context.required(&spec.given, "nodes", spec.span, "the spec");
    let name = name(spec.cluster.as_ref(), context);
    let machines = machines::convert(spec.machines.as_ref(), context);
    let cluster = Cluster {
        nodes: nodes::convert(spec.nodes.as_ref(), &machines.provider, &name, context),
        kubernetes: kubernetes::convert(spec.kubernetes.as_ref(), context),
        provision: provision::convert(spec.provision.as_ref(), context),
        gitops: spec.gitops.as_ref().map(|gitops| gitops::convert(gitops, &name, context)),
        registry: registry::convert(spec.registry.as_ref(), &machines.provider, context),
        evaluate: evaluate::convert(spec.evaluate.as_ref(), spec.gitops.is_some(), context),
        checks: checks::convert(spec.checks.as_ref(), context),
        artifacts: artifacts::convert(spec.artifacts.as_ref(), context),
        file: file.to_owned(),
        directory: context.directory.to_owned(),
        name,
        machines,
    };
    networks::check(spec, &cluster, context);
    cluster
}

fn name(written: Option<&Placed<super::value::Label>>, context: &mut Context<'_, '_>) -> String {
    let Some(label) = written else { return "cluster".into() };
    if label.0.len() > 40 {
        let what = format!("the cluster's name has {} characters, at most 40 fit", label.0.len());
        context.invalid(label.span, Failure::invalid(what).hint("It becomes a part of machine and network names."));
    }
    label.0.clone()
}
