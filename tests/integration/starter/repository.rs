//! What must hold in a repository before anything applies it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kube::ResourceExt as _;
use kube::api::DynamicObject;
use seedbed::kube::parse_documents;
use serde_json::Value;

/// The groups that a folder in infrastructure/controllers brings.
const BROUGHT: [(&str, &str); 4] = [
    ("metallb.io", "metallb"),
    ("cert-manager.io", "cert-manager"),
    ("networking.istio.io", "istio"),
    ("monitoring.coreos.com", "monitoring"),
];

const LISTING: &str = "kustomization.yaml";

/// The manifests under one root.
pub struct Repository {
    root: PathBuf,
    /// Every object, in the order of the files.
    pub objects: Vec<DynamicObject>,
    /// Folders and the names of what is in them.
    folders: BTreeMap<PathBuf, Vec<String>>,
}

impl Repository {
    /// Parses every manifest; a chart's templates are none.
    pub fn read(root: &Path) -> Self {
        let mut repository = Self { root: root.to_owned(), objects: Vec::new(), folders: BTreeMap::new() };
        for top in ["clusters", "infrastructure", "apps", "image-automation"] {
            if root.join(top).exists() {
                repository.folder(Path::new(top));
            }
        }
        repository
    }

    fn folder(&mut self, folder: &Path) {
        let entries = std::fs::read_dir(self.root.join(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| Path::new(name).extension().is_none_or(|ending| ending != "md"))
            .collect();
        names.sort();
        for path in names.iter().map(|name| folder.join(name)) {
            if self.root.join(&path).is_dir() {
                self.folder(&path);
            } else if !path.ends_with(LISTING) {
                let origin = path.display().to_string();
                let objects = parse_documents(&origin, &self.text(&path));
                self.objects.extend(objects.unwrap_or_else(|failure| panic!("{origin}: {failure:#?}")));
            }
        }
        self.folders.insert(folder.to_owned(), names);
    }

    fn text(&self, path: &Path) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap()
    }

    /// Everything that is wrong, in words.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.listings(&mut found);
        self.tiers(&mut found);
        self.references(&mut found);
        for object in &self.objects {
            self.release(object, &mut found);
            let group = group(object);
            if let Some((_, folder)) = BROUGHT.iter().find(|brought| brought.0 == group)
                && !self.folders.contains_key(&Path::new("infrastructure/controllers").join(folder))
            {
                found.push(format!("{}: nobody brings {group}", key(object)));
            }
        }
        found
    }

    /// What is listed exists, and what exists is listed, if only as a comment.
    fn listings(&self, found: &mut Vec<String>) {
        for (folder, names) in self.folders.iter().filter(|(_, names)| names.iter().any(|name| name == LISTING)) {
            let text = self.text(&folder.join(LISTING));
            let lines = text.lines().map(str::trim);
            let listed: BTreeSet<&str> = lines.clone().filter_map(|line| line.strip_prefix("- ")).collect();
            let offered: BTreeSet<&str> = lines.filter_map(|line| line.strip_prefix("# - ")).collect();
            let here: BTreeSet<&str> = names.iter().map(String::as_str).filter(|name| *name != LISTING).collect();
            let place = folder.display();
            found.extend(listed.difference(&here).map(|name| format!("{place}/{name} is listed and does not exist")));
            let missing = here.iter().filter(|name| !listed.contains(*name) && !offered.contains(*name));
            found.extend(missing.map(|name| format!("{place}/{name} is not listed")));
        }
    }

    fn tiers(&self, found: &mut Vec<String>) {
        let tiers: BTreeMap<String, &Value> = self
            .objects
            .iter()
            .filter(|object| is_tier(object))
            .map(|object| (object.name_any(), &object.data["spec"]))
            .collect();
        for (name, spec) in &tiers {
            let path = spec["path"].as_str().unwrap_or_default();
            if !self.folders.contains_key(Path::new(path.trim_start_matches("./"))) {
                found.push(format!("{name}: its path {path} does not exist"));
            }
            if spec["wait"] != true || !spec["timeout"].is_string() || !spec["retryInterval"].is_string() {
                found.push(format!("{name}: a tier has wait, timeout and retryInterval"));
            }
            for needed in needs(spec) {
                if !tiers.contains_key(needed) {
                    found.push(format!("{name} depends on {needed}, which is not there"));
                }
            }
        }
        // Whoever waits for nobody that is left is taken away; who remains waits in a circle.
        let mut left = tiers.clone();
        while let Some(free) =
            left.iter().find(|(_, spec)| !needs(spec).any(|name| left.contains_key(name))).map(|(name, _)| name.clone())
        {
            left.remove(&free);
        }
        if !left.is_empty() {
            found.push(format!("a cycle in dependsOn: {:?}", left.keys()));
        }
    }

    /// Names are unique, and namespaces are there.
    fn references(&self, found: &mut Vec<String>) {
        let mut seen = BTreeSet::new();
        found.extend(
            self.objects
                .iter()
                .map(key)
                .filter(|key| !seen.insert(key.clone()))
                .map(|key| format!("{key} is there twice")),
        );
        for object in &self.objects {
            let Some(namespace) = object.namespace() else { continue };
            let own = ["flux-system", "kube-system"].contains(&namespace.as_str());
            if !own && !seen.contains(&format!("Namespace//{namespace}")) {
                found.push(format!("{}: its namespace is not there", key(object)));
            }
        }
    }

    fn release(&self, object: &DynamicObject, found: &mut Vec<String>) {
        if kind(object) != "HelmRelease" {
            return;
        }
        let (key_of, spec) = (key(object), &object.data["spec"]);
        let namespace = object.namespace().unwrap_or_default();
        let chart = &spec["chart"]["spec"];
        let there = |kind: &str, reference: &Value| {
            let namespace = reference["namespace"].as_str().unwrap_or(&namespace);
            let wanted = format!("{kind}/{namespace}/{}", reference["name"].as_str().unwrap_or_default());
            wanted == "GitRepository/flux-system/flux-system" || self.objects.iter().any(|object| key(object) == wanted)
        };
        let source = &chart["sourceRef"];
        let from = source["kind"].as_str().unwrap_or_default();
        if !there(from, source) {
            found.push(format!("{key_of}: its source is not there"));
        }
        let pinned = |version: &str| {
            version.trim_start_matches('v').split('.').filter(|part| part.parse::<u32>().is_ok()).count() == 3
        };
        if from == "HelmRepository" && !chart["version"].as_str().is_some_and(pinned) {
            found.push(format!("{key_of}: its chart's version is not pinned"));
        }
        if from == "GitRepository" && chart["reconcileStrategy"] != "Revision" {
            found.push(format!("{key_of}: a chart from Git changes with every commit"));
        }
        if spec["driftDetection"]["mode"] != "enabled" {
            found.push(format!("{key_of}: drift detection is off"));
        }
        for needed in spec["dependsOn"].as_array().into_iter().flatten().filter(|needed| !there("HelmRelease", needed))
        {
            found.push(format!("{key_of} depends on {needed}, which is not there"));
        }
    }
}

fn needs(spec: &Value) -> impl Iterator<Item = &str> {
    spec["dependsOn"].as_array().into_iter().flatten().filter_map(|needed| needed["name"].as_str())
}

/// Whether an object is one of Flux's Kustomizations.
pub fn is_tier(object: &DynamicObject) -> bool {
    kind(object) == "Kustomization" && group(object) == "kustomize.toolkit.fluxcd.io"
}

pub fn kind(object: &DynamicObject) -> &str {
    object.types.as_ref().map_or("", |types| &types.kind)
}

fn group(object: &DynamicObject) -> &str {
    object.types.as_ref().and_then(|types| types.api_version.split_once('/')).map_or("", |parts| parts.0)
}

pub fn key(object: &DynamicObject) -> String {
    format!("{}/{}/{}", kind(object), object.namespace().unwrap_or_default(), object.name_any())
}
