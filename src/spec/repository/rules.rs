//! What keeps a repository from becoming Ready, rule by rule.

use std::collections::BTreeMap;

use engine::failure::Failure;

use super::Report;
use super::flux::{Object, Tree, within};
use crate::spec::problems::{MaybeHint as _, did_you_mean};

/// Applies every rule.
pub fn check(tree: &Tree<'_>, report: &mut Report) {
    own_flux(tree, report);
    encrypted(tree, report);
    dependencies(tree, report);
    for object in tree.objects.iter().filter(|object| tree.applied(object.path)) {
        missing_path(object, tree, report);
        tiers(object, report);
        releases(object, report);
    }
}

/// The files of `flux bootstrap` would replace the Flux that seedbed installs.
fn own_flux(tree: &Tree<'_>, report: &mut Report) {
    for (path, _) in tree.files.yaml().filter(|(path, _)| tree.applied(path)) {
        let is_bootstrap = path.rsplit('/').next().is_some_and(|name| name.starts_with("gotk-"));
        if is_bootstrap && path.rsplit('/').nth(1) == Some("flux-system") {
            let what =
                format!("{path} comes from `flux bootstrap` and is kept from replacing the Flux that seedbed installs");
            let place = engine::place::Place::file(tree.files.shown(path));
            report.warnings.push(Failure::invalid(what).place(place));
        }
    }
}

/// A file encrypted with SOPS needs a Kustomization that decrypts.
fn encrypted(tree: &Tree<'_>, report: &mut Report) {
    let is_encrypted = |object: &&Object<'_>| object.field(&["sops", "mac"]).is_some();
    for object in tree.objects.iter().filter(is_encrypted) {
        let appliers =
            tree.objects.iter().filter(|one| one.applies().is_some_and(|folder| within(object.path, &folder)));
        let Some(applier) = appliers.max_by_key(|one| one.applies().map(|folder| folder.len())) else {
            if tree.decryption.is_none() && within(object.path, &tree.root) {
                let what = "the first Kustomization applies this encrypted file without decrypting it";
                let hint = "Add `decryption: {secret: NAME}` to `gitops` in the spec, and the age key to `secrets`.";
                report.failures.push(object.at(&["sops"], Failure::invalid(what).hint(hint)));
            }
            continue;
        };
        if applier.word(&["spec", "decryption", "provider"]) == "sops" {
            continue;
        }
        let what = format!("the Kustomization `{}` applies this encrypted file without decrypting it", applier.name());
        let secret = tree.decryption.as_deref().unwrap_or("sops-age");
        let hint =
            format!("Add `decryption: {{provider: sops, secretRef: {{name: {secret}}}}}` to it, in {}.", applier.path);
        report.failures.push(object.at(&["sops"], Failure::invalid(what).hint(hint)));
    }
}

fn missing_path(object: &Object<'_>, tree: &Tree<'_>, report: &mut Report) {
    let Some(folder) = object.applies().filter(|folder| !tree.files.has_directory(folder)) else { return };
    let directories = tree.files.directories();
    let what = format!("the Kustomization `{}` applies `{folder}`, which is not in the repository", object.name());
    let failure = Failure::invalid(what).maybe_hint(did_you_mean(&folder, directories.iter().map(String::as_str)));
    report.failures.push(object.at(&["spec", "path"], failure));
}

/// Without `wait`, Ready means only "applied".
fn tiers(object: &Object<'_>, report: &mut Report) {
    if !object.is_kustomization() || object.path.contains("flux-system/gotk-") {
        return;
    }
    let waits = object.word(&["spec", "wait"]) == "true" || object.field(&["spec", "healthChecks"]).is_some();
    let missing = [("wait: true", waits), ("timeout", object.field(&["spec", "timeout"]).is_some())];
    let missing: Vec<&str> = missing.iter().filter(|(_, there)| !there).map(|(key, _)| *key).collect();
    if !missing.is_empty() {
        let what = format!("the Kustomization `{}` has no `{}`", object.name(), missing.join("` and no `"));
        let failure = Failure::invalid(what)
            .hint("With `wait: true`, `timeout` and `retryInterval`, Ready means that its pods run, not only that it was applied.");
        report.warnings.push(object.at(&["spec"], failure));
    }
}

fn releases(object: &Object<'_>, report: &mut Report) {
    if !object.is_helm_release() {
        return;
    }
    let chart = ["spec", "chart", "spec"];
    let of = |key| object.word(&[&chart[..], &["sourceRef", key]].concat());
    if of("kind") == "GitRepository" && object.word(&[&chart[..], &["reconcileStrategy"]].concat()) != "Revision" {
        let failure = Failure::invalid(format!("the HelmRelease `{}` follows its chart's version only", object.name()))
            .hint("A chart from Git needs `reconcileStrategy: Revision`, or changed templates are not rolled out.");
        report.warnings.push(object.at(&chart, failure));
    }
    if object.word(&["spec", "driftDetection", "mode"]) != "enabled" {
        let failure = Failure::invalid(format!("the HelmRelease `{}` does not mend what is altered", object.name()))
            .hint("Add `driftDetection: {mode: enabled}` if what is deleted in the cluster should come back.");
        report.warnings.push(object.at(&["spec"], failure));
    }
}

/// Names a ring of dependencies once, and dependencies that nothing in the repository is.
fn dependencies(tree: &Tree<'_>, report: &mut Report) {
    for is_kind in [Object::is_kustomization, Object::is_helm_release] {
        let objects: Vec<&Object<'_>> =
            tree.objects.iter().filter(|object| is_kind(object) && tree.applied(object.path)).collect();
        let names: BTreeMap<String, usize> =
            objects.iter().enumerate().map(|(index, object)| (object.name().to_owned(), index)).collect();
        let edges: Vec<Vec<usize>> = objects.iter().map(|object| edges(object, &names, report)).collect();
        for ring in rings(&edges) {
            let first = objects[ring[0]];
            let path: Vec<&str> = ring.iter().chain(&ring[..1]).map(|index| objects[*index].name()).collect();
            let failure =
                Failure::invalid(format!("{}s wait for each other: {}", first.word(&["kind"]), path.join(" -> ")))
                    .hint("Remove one `dependsOn` of the ring; none of them would ever start.");
            report.failures.push(first.at(&["spec", "dependsOn"], failure));
        }
    }
}

fn edges(object: &Object<'_>, names: &BTreeMap<String, usize>, report: &mut Report) -> Vec<usize> {
    let mut edges = Vec::new();
    for dependency in object.field(&["spec", "dependsOn"]).map_or(&[][..], |list| list.items()) {
        let name = dependency.get("name").and_then(crate::spec::tree::Node::text).unwrap_or_default();
        if let Some(index) = names.get(name) {
            edges.push(*index);
        } else {
            let what = format!("`{}` depends on `{name}`, which is not in the repository", object.name());
            let failure = Failure::invalid(what).maybe_hint(did_you_mean(name, names.keys().map(String::as_str)));
            report.warnings.push(object.at(&["spec", "dependsOn"], failure));
        }
    }
    edges
}

/// Every ring that a walk along the edges finds, each once, from its least member.
fn rings(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    fn walk(at: usize, edges: &[Vec<usize>], path: &mut Vec<usize>, done: &mut [bool], found: &mut Vec<Vec<usize>>) {
        if let Some(begin) = path.iter().position(|one| *one == at) {
            let mut ring = path[begin..].to_vec();
            let least = ring.iter().enumerate().min_by_key(|(_, node)| **node).map_or(0, |(index, _)| index);
            ring.rotate_left(least);
            if !found.contains(&ring) {
                found.push(ring);
            }
            return;
        }
        if done[at] {
            return;
        }
        path.push(at);
        for next in &edges[at] {
            walk(*next, edges, path, done, found);
        }
        path.pop();
        done[at] = true;
    }
    let (mut done, mut found) = (vec![false; edges.len()], Vec::new());
    for start in 0..edges.len() {
        walk(start, edges, &mut Vec::new(), &mut done, &mut found);
    }
    found
}
