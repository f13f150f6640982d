use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::spec::cluster::{Dirty, GitHost};

fn gitops(source: &Path) -> Gitops {
    let source = source.to_owned();
    Gitops {
        source,
        branch: "main".into(),
        path: "clusters/a".into(),
        host: GitHost::Embedded,
        dirty: Dirty::Warn,
        secrets: Vec::new(),
        decryption: None,
    }
}

fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path: PathBuf = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn kustomization(name: &str, path: &str, more: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}}}\nspec:\n  \
         sourceRef: {{kind: GitRepository, name: flux-system}}\n  path: {path}\n  wait: true\n  timeout: 5m\n{more}---\n"
    )
}

fn whats(failures: &[Failure]) -> Vec<&str> {
    failures.iter().map(|failure| failure.what.as_str()).collect()
}

#[test]
fn a_good_repository_passes() {
    let apps = kustomization("infrastructure", "./infrastructure", "")
        + &kustomization("apps", "apps/", "  dependsOn: [{name: infrastructure}]\n");
    let directory = repository(&[
        ("clusters/a/apps.yaml", &apps),
        ("apps/x.yaml", "kind: A\n"),
        ("infrastructure/y.yaml", "kind: B\n"),
        ("chart/Chart.yaml", "name: c\n"),
        ("chart/templates/x.yaml", "{{ if }}\n"),
    ]);
    let report = check(&gitops(directory.path()));
    assert_eq!((whats(&report.failures), whats(&report.warnings)), (vec![], vec![]));
}

#[test]
fn every_mistake_is_found() {
    let ring = kustomization("one", "one", "  dependsOn: [{name: two}]\n")
        + &kustomization("two", "./on", "  dependsOn: [{name: three}]\n")
        + &kustomization("three", "one", "  dependsOn: [{name: one}, {name: fuor}]\n")
        + &kustomization("four", "one", "").replace("  wait: true\n", "");
    let directory = repository(&[
        ("clusters/a/all.yaml", &ring),
        ("clusters/a/flux-system/gotk-components.yaml", "kind: Namespace\n"),
        ("clusters/a/broken.yaml", "a: [1\nb: 2\n"),
        ("elsewhere/broken.yaml", "a: [1\nb: 2\n"),
        ("one/secret.yaml", "kind: Secret\nsops:\n  mac: x\n"),
    ]);
    let report = check(&gitops(directory.path()));
    let failures = report.failures.iter().map(Failure::to_string).collect::<Vec<_>>().join("\n");
    for part in ["broken.yaml:2", "applies this encrypted file", "one -> two -> three -> one", "`on`, which is not"] {
        assert!(failures.contains(part), "{part}: {failures}");
    }
    assert_eq!(report.failures.len(), 4, "{failures}");
    let warnings = whats(&report.warnings).join("\n");
    for part in ["not YAML", "gotk-components.yaml comes from", "depends on `fuor`", "`four` has no `wait: true`"] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
}

#[test]
fn of_a_git_repository_the_last_commit_counts() {
    let directory = repository(&[("clusters/a/x.yaml", "kind: A\n")]);
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(directory.path()).args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(arguments);
        assert!(git.output().unwrap().status.success(), "{arguments:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["commit", "-q", "--allow-empty", "-m", "empty"]);
    let failure = folder(&gitops(directory.path())).unwrap_err();
    assert!(failure.hints.iter().any(|hint| hint.contains("not committed")), "{failure:?}");
    assert!(folder(&Gitops { dirty: Dirty::Include, ..gitops(directory.path()) }).is_ok());
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "all"]);
    assert!(folder(&gitops(directory.path())).is_ok());
}
