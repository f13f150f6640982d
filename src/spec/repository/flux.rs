//! The Flux objects of the repository and the folders that they apply.

use engine::failure::Failure;
use engine::place::Place;

use super::Report;
use super::files::Files;
use crate::spec::cluster::Gitops;
use crate::spec::problems::snippet;
use crate::spec::tree::{self, Node, Span};

/// A manifest and where it is.
#[derive(Debug)]
pub struct Object<'f> {
    /// The path in the repository.
    pub path: &'f str,
    text: &'f str,
    /// The file as the user would type it.
    shown: String,
    pub node: Node,
}

/// What Flux would apply.
#[derive(Debug)]
pub struct Tree<'f> {
    pub files: &'f Files,
    /// The folder of the first Kustomization.
    pub root: String,
    /// The Secret whose age keys it decrypts with.
    pub decryption: Option<String>,
    pub objects: Vec<Object<'f>>,
}

impl Object<'_> {
    pub fn field(&self, path: &[&str]) -> Option<&Node> {
        self.node.at(path)
    }

    pub fn word(&self, path: &[&str]) -> &str {
        self.field(path).and_then(Node::text).unwrap_or_default()
    }

    pub fn name(&self) -> &str {
        self.word(&["metadata", "name"])
    }

    /// Whether it is of a kind of a Flux API group.
    pub fn is(&self, kind: &str, group: &str) -> bool {
        self.word(&["kind"]) == kind && self.word(&["apiVersion"]).split('/').next() == Some(group)
    }

    pub fn is_kustomization(&self) -> bool {
        self.is("Kustomization", "kustomize.toolkit.fluxcd.io")
    }

    pub fn is_helm_release(&self) -> bool {
        self.is("HelmRelease", "helm.toolkit.fluxcd.io")
    }

    /// The folder that a Kustomization applies from this repository.
    pub fn applies(&self) -> Option<String> {
        let ours = self.is_kustomization()
            && self.word(&["spec", "sourceRef", "kind"]) == "GitRepository"
            && self.word(&["spec", "sourceRef", "name"]) == "flux-system";
        ours.then(|| normal(self.word(&["spec", "path"])))
    }

    /// A failure at a field, or at the object where there is none.
    pub fn at(&self, path: &[&str], failure: Failure) -> Failure {
        placed(&self.shown, self.text, self.field(path).unwrap_or(&self.node).span, failure)
    }
}

fn placed(shown: &str, text: &str, span: Span, failure: Failure) -> Failure {
    let failure = failure.place(Place::at(shown, span.line, span.column));
    match snippet(text, span) {
        Some(snippet) => failure.evidence(snippet),
        None => failure,
    }
}

/// A path of a Kustomization without `./` and slashes at its ends; the root is `.`.
fn normal(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() { ".".into() } else { parts.join("/") }
}

pub fn within(file: &str, folder: &str) -> bool {
    folder == "." || std::path::Path::new(file).starts_with(folder)
}

impl<'f> Tree<'f> {
    /// Parses every manifest. A file that is no YAML is a failure where Flux would apply it.
    pub fn read(files: &'f Files, gitops: &Gitops, report: &mut Report) -> Self {
        let mut tree =
            Self { files, root: gitops.path.clone(), decryption: gitops.decryption.clone(), objects: Vec::new() };
        let mut broken = Vec::new();
        for (path, text) in files.yaml().filter(|(path, _)| is_manifest(path, files)) {
            let shown = files.shown(path);
            match tree::parse(text) {
                Ok(documents) => {
                    let nodes = documents.into_iter().filter(|node| !node.is_null());
                    tree.objects.extend(nodes.map(|node| Object { path, text, shown: shown.clone(), node }));
                }
                Err(error) => {
                    let failure = Failure::invalid(format!("this is not YAML: {}", error.what));
                    broken.push((path, placed(&shown, text, error.span, failure)));
                }
            }
        }
        let folders = tree.folders();
        for (path, failure) in broken {
            if folders.iter().any(|folder| within(path, folder)) {
                report.failures.push(failure);
            } else {
                report.warnings.push(failure);
            }
        }
        tree
    }

    /// The folders that are applied: the first one and those of Kustomizations.
    pub fn folders(&self) -> Vec<String> {
        let named = self.objects.iter().filter_map(Object::applies);
        std::iter::once(self.root.clone()).chain(named).collect()
    }

    /// Whether Flux reads a file.
    pub fn applied(&self, path: &str) -> bool {
        self.folders().iter().any(|folder| within(path, folder))
    }
}

/// Templates of Helm charts and files of hidden folders are not applied as they are.
fn is_manifest(path: &str, files: &Files) -> bool {
    let mut prefix = String::new();
    for part in path.split('/') {
        if part.starts_with('.') || part == "templates" && files.has_file(&format!("{prefix}Chart.yaml")) {
            return false;
        }
        prefix += part;
        prefix.push('/');
    }
    true
}
