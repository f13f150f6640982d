//! Keys into the store: what an artifact is made from, as a digest.
//!
//! A key covers the catalog's entry and every file that a recipe names. The compiler's version is recorded beside the
//! result and is not part of the key, so that a workstation without Go still finds what was built on it.

use engine::digest;
use engine::failure::{Failure, Result};
use serde_json::{Value, json};

use super::catalog::{Artifact, Catalog, Component, ImageRecipe, Layer, MachineRecipe, Published, Recipe};

/// Changes when the way of building changes.
const FORMAT: u32 = 1;

macro_rules! embed {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../../", $name)))),*] };
}

/// Names and contents of the files that recipes name.
pub const FILES: &[(&str, &str)] = embed![
    "components/cni-flannel/go.mod",
    "components/cni-flannel/go.sum",
    "components/cni-plugins/go.mod",
    "components/cni-plugins/go.sum",
    "components/containerd/go.mod",
    "components/containerd/go.sum",
    "components/coredns/go.mod",
    "components/coredns/go.sum",
    "components/crictl/go.mod",
    "components/crictl/go.sum",
    "components/etcd/go.mod",
    "components/etcd/go.sum",
    "components/flannel/go.mod",
    "components/flannel/go.sum",
    "components/helm-controller/go.mod",
    "components/helm-controller/go.sum",
    "components/kubernetes/go.mod",
    "components/kubernetes/go.sum",
    "components/kustomize-controller/go.mod",
    "components/kustomize-controller/go.sum",
    "components/notification-controller/go.mod",
    "components/notification-controller/go.sum",
    "components/registry/go.mod",
    "components/registry/go.sum",
    "components/sample/go.mod",
    "components/sample/go.sum",
    "components/sample/main.go",
    "components/source-controller/go.mod",
    "components/source-controller/go.sum",
    "vm-images/debian-13.sh",
    "vm-images/debian-13.yaml",
];

/// The key of what upstream publishes for an artifact.
pub fn published(artifact: &Artifact, published: &Published) -> String {
    key(&json!({ "published": published, "name": artifact.name, "reference": artifact.reference }))
}

/// The key of what is built for an artifact.
pub fn built(catalog: &Catalog, artifact: &Artifact) -> Result<String> {
    match &artifact.recipe {
        Recipe::Binary { component, .. } => component_key(catalog.component(component)?),
        Recipe::Image(recipe) => image_key(catalog, artifact, recipe),
        Recipe::Files { component, pattern } => {
            let Component { module, version, .. } = catalog.component(component)?;
            Ok(key(&json!({ "module": module, "version": version, "pattern": pattern })))
        }
        Recipe::Machine { machine, .. } => Ok(machine_key(machine, catalog.machine(machine)?)),
    }
}

/// The key of a component's binaries.
pub fn component_key(component: &Component) -> Result<String> {
    let Component { module, version, cgo, link, packages, source, .. } = component;
    let mut inputs = vec![file(&format!("components/{source}/go.mod"))?, file(&format!("components/{source}/go.sum"))?];
    if component.is_own() {
        inputs.push(file(&format!("components/{source}/main.go"))?);
    }
    let inputs: Vec<String> = inputs.iter().map(|text| digest::of_bytes(text.as_bytes())).collect();
    Ok(key(
        &json!({ "module": module, "version": version, "cgo": cgo, "link": link, "packages": packages, "inputs": inputs }),
    ))
}

/// The key of a Debian layer.
pub fn layer_key(layer: &Layer) -> String {
    key(&json!({ "layer": layer }))
}

/// The key of a machine image.
pub fn machine_key(name: &str, recipe: &MachineRecipe) -> String {
    let MachineRecipe { packages, script } = recipe;
    let (packages, script) = (digest::of_bytes(packages.as_bytes()), digest::of_bytes(script.as_bytes()));
    key(&json!({ "machine": name, "recipe": packages, "script": script }))
}

/// The text of a file that a recipe names.
pub fn file(name: &str) -> Result<&'static str> {
    let found = FILES.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, text)| *text)
        .ok_or_else(|| Failure::other(format!("a recipe names `{name}`, which is not part of seedbed")))
}

fn image_key(catalog: &Catalog, artifact: &Artifact, recipe: &ImageRecipe) -> Result<String> {
    let layers = recipe.layers.iter().map(|name| Ok(layer_key(catalog.layer(name)?))).collect::<Result<Vec<_>>>()?;
    let component = component_key(catalog.component(&recipe.component)?)?;
    Ok(key(&json!({ "image": recipe, "reference": artifact.reference, "component": component, "layers": layers })))
}

fn key(value: &Value) -> String {
    digest::of_bytes(format!("seedbed recipe {FORMAT}\n{value}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_artifact_has_a_key_of_its_recipe() {
        let catalog = Catalog::load().unwrap();
        for artifact in catalog.artifacts.values() {
            built(&catalog, artifact).unwrap();
        }
    }

    #[test]
    fn binaries_of_one_component_share_a_key_and_images_do_not() {
        let catalog = Catalog::load().unwrap();
        let key = |name: &str| built(&catalog, catalog.artifact(name).unwrap()).unwrap();
        assert_eq!(key("kubelet"), key("kubeadm"));
        assert_ne!(key("kube-apiserver"), key("kube-scheduler"));
        assert_ne!(key("sample"), key("sample-next"));
    }
}
