//! The `kustomization.yaml` that Flux builds with: the folder's own or a generated one, with what the spec adds.
//!
//! Follows the generator of github.com/fluxcd/pkg/kustomize.

use std::path::{Path, PathBuf};

use engine::failure::{Failure, Result};
use serde_json::{Map, Value, json};

use super::kustomize::yaml;
use crate::flux::Object;

const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The file of a folder, and its text if it is there.
pub fn kustomization(folder: &Path) -> Result<(PathBuf, Option<String>)> {
    let Some(file) = own(folder) else { return Ok((folder.join(NAMES[0]), None)) };
    let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
    Ok((file, Some(text)))
}

/// The text of a folder's file, or a generated one, with what a Kustomization's spec adds.
pub fn amended(text: Option<&str>, folder: &Path, tier: &Object) -> Result<Value> {
    let mut value = match text {
        Some(text) => yaml(text).map_err(|why| Failure::invalid("its kustomization.yaml does not parse").cause(why))?,
        None => generated(folder)?,
    };
    if value.is_null() {
        value = json!({});
    }
    let Some(map) = value.as_object_mut() else {
        return Err(Failure::invalid("its kustomization.yaml is no mapping"));
    };
    for (key, field) in [("namespace", "targetNamespace"), ("namePrefix", "namePrefix"), ("nameSuffix", "nameSuffix")] {
        if let Some(added) = tier.0["spec"][field].as_str() {
            map.insert(key.into(), added.into());
        }
    }
    for (key, pointer) in [("patches", "/spec/patches"), ("components", "/spec/components")] {
        append(map, key, tier.list(pointer));
    }
    images(map, tier.list("/spec/images"));
    Ok(value)
}

fn append(map: &mut Map<String, Value>, key: &str, added: &[Value]) {
    if added.is_empty() {
        return;
    }
    match map.get_mut(key) {
        Some(Value::Array(there)) => there.extend(added.iter().cloned()),
        _ => {
            map.insert(key.into(), added.into());
        }
    }
}

/// The spec's images stand in for those of the same name.
fn images(map: &mut Map<String, Value>, added: &[Value]) {
    if let Some(Value::Array(there)) = map.get_mut("images") {
        there.retain(|image| !added.iter().any(|other| other["name"] == image["name"]));
    }
    append(map, "images", added);
}

/// Every manifest below a folder; a folder below with a kustomization of its own is taken as that.
fn generated(folder: &Path) -> Result<Value> {
    let mut resources = Vec::new();
    walk(folder, folder, &mut resources)?;
    Ok(json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources}))
}

fn walk(root: &Path, folder: &Path, resources: &mut Vec<String>) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let is_manifest = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        if path.is_dir() && own(&path).is_none() {
            walk(root, &path, resources)?;
        } else if path.is_dir() || is_manifest {
            resources.push(path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned());
        }
    }
    Ok(())
}

fn own(folder: &Path) -> Option<PathBuf> {
    NAMES.map(|name| folder.join(name)).into_iter().find(|file| file.is_file())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::other(format!("cannot read {}", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_plain_directory_is_every_manifest_in_it() {
        let folder = folder(&[
            ("b.yaml", ""),
            ("a/deep/c.yml", ""),
            ("a/README.md", ""),
            ("own/kustomization.yaml", ""),
            ("own/not-by-itself.yaml", ""),
        ]);
        let value = amended(None, folder.path(), &Object(json!({}))).unwrap();
        assert_eq!(value["resources"], json!(["a/deep/c.yml", "b.yaml", "own"]));
    }

    #[test]
    fn what_the_spec_adds_comes_after_what_is_there() {
        let tier = Object(json!({"spec": {
            "targetNamespace": "apps",
            "patches": [{"patch": "two"}],
            "images": [{"name": "web", "newTag": "2"}],
        }}));
        let text = "resources: [a.yaml]\npatches: [{patch: one}]\nimages: [{name: web, newTag: '1'}, {name: db, newTag: '1'}]\n";
        let value = amended(Some(text), Path::new("/nowhere"), &tier).unwrap();
        assert_eq!(value["namespace"], "apps");
        assert_eq!(value["patches"], json!([{"patch": "one"}, {"patch": "two"}]));
        assert_eq!(value["images"], json!([{"name": "db", "newTag": "1"}, {"name": "web", "newTag": "2"}]));
    }
}
