//! Builds what one Kustomization applies.

use std::collections::BTreeMap;

use engine::event::Step;
use engine::failure::{Failure, Result};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, DynamicObject};
use kube::{Client, ResourceExt as _};
use serde_json::Value;

use super::Unknown;
use super::kustomize::{Kustomize, yaml};
use super::substitute::substitute;
use crate::flux::{Key, NAME, NAMESPACE, Object};
use crate::kube::{failed, parse_documents};

/// The prefix of what people tell Flux at an object, and of what Flux writes there.
pub const FLUX: &str = "kustomize.toolkit.fluxcd.io";

/// What one Kustomization applies.
#[derive(Clone, Debug)]
pub struct Built {
    pub key: Key,
    pub tier: Object,
    pub objects: Vec<DynamicObject>,
    /// What of it could not be built, or is not for us to compare.
    pub unknown: Vec<Unknown>,
}

impl Built {
    /// The Kustomizations in it that read the same repository.
    pub fn tiers(&self) -> impl Iterator<Item = Object> {
        let objects = self.objects.iter().filter_map(|object| serde_json::to_value(object).ok()).map(Object);
        objects.filter(reads_repository)
    }
}

fn reads_repository(object: &Object) -> bool {
    let namespace = match object.text("/spec/sourceRef/namespace") {
        "" => object.namespace(),
        namespace => namespace,
    };
    let source = (object.text("/spec/sourceRef/kind"), namespace, object.text("/spec/sourceRef/name"));
    object.kind() == "Kustomization" && object.is_flux() && source == ("GitRepository", NAMESPACE, NAME)
}

/// Builds a tier: kustomize, then the variables, then what Flux writes at each object.
///
/// `before` is what was built of other tiers: variables may come from there.
pub async fn build(
    client: &Client,
    kustomize: &Kustomize,
    tier: Object,
    before: &[Built],
    step: &Step,
) -> Result<Built> {
    let text = kustomize.build(&tier).await?;
    let variables = variables(client, &tier, before, step).await?;
    let mut built = Built { key: tier.key(), tier, objects: Vec::new(), unknown: Vec::new() };
    for document in documents(&text) {
        built.add(&document, variables.as_ref())?;
    }
    Ok(built)
}

/// kustomize writes one object a document; within one, every line but the first level's is indented.
fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        match documents.last_mut() {
            Some(last) if line != "---" => {
                last.push_str(line);
                last.push('\n');
            }
            _ => documents.push(String::new()),
        }
    }
    documents.retain(|document| !document.trim().is_empty());
    documents
}

impl Built {
    fn add(&mut self, document: &str, variables: Option<&BTreeMap<String, String>>) -> Result<()> {
        let plain =
            Object(yaml(document).map_err(|why| Failure::invalid("what kustomize built is no YAML").cause(why))?);
        let is = |what: &str, value: &str| told(&plain, what) == value;
        let unknown =
            |why: String| Unknown { kustomization: self.key.clone(), object: Some(plain.key()), why, broken: false };
        if plain.0.get("sops").is_some_and(|sops| sops["mac"].is_string()) {
            self.unknown.push(unknown("it is encrypted: only Flux decrypts it".into()));
            return Ok(());
        }
        if is("reconcile", "disabled") || is("ssa", "Ignore") {
            self.unknown.push(unknown("an annotation tells Flux to leave it alone".into()));
            return Ok(());
        }
        let text = match variables.filter(|_| !is("substitute", "disabled")).map(|known| substitute(document, known)) {
            None => document.to_owned(),
            Some(Ok(text)) => text,
            Some(Err(why)) => {
                self.unknown.push(unknown(format!("it could not be built: {why}")));
                return Ok(());
            }
        };
        for mut object in parse_documents(&self.key.to_string(), &text)? {
            self.mark(&mut object);
            self.objects.push(object);
        }
        Ok(())
    }

    /// Writes what Flux writes at everything that it applies.
    fn mark(&self, object: &mut DynamicObject) {
        let common = &self.tier.0["spec"]["commonMetadata"];
        let texts = |value: &Value| -> Vec<(String, String)> {
            let entries = value.as_object().into_iter().flatten();
            entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
        };
        object.labels_mut().extend(texts(&common["labels"]));
        object.labels_mut().insert(format!("{FLUX}/name"), self.key.name.clone());
        object.labels_mut().insert(format!("{FLUX}/namespace"), self.key.namespace.clone());
        let annotations = texts(&common["annotations"]);
        if !annotations.is_empty() {
            object.annotations_mut().extend(annotations);
        }
    }
}

/// What an annotation or label of Flux's own prefix says at an object.
pub fn told<'a>(object: &'a Object, what: &str) -> &'a str {
    let name = format!("{FLUX}/{what}");
    let metadata = &object.0["metadata"];
    let said = ["annotations", "labels"].map(|place| metadata[place][name.as_str()].as_str());
    said.into_iter().flatten().next().unwrap_or_default()
}

/// The variables of a tier; none where it substitutes nothing.
async fn variables(
    client: &Client,
    tier: &Object,
    before: &[Built],
    step: &Step,
) -> Result<Option<BTreeMap<String, String>>> {
    let Some(post) = tier.0["spec"].get("postBuild").filter(|post| post.is_object()) else { return Ok(None) };
    let mut variables = BTreeMap::new();
    for from in post["substituteFrom"].as_array().into_iter().flatten() {
        let key = Key::new(
            from["kind"].as_str().unwrap_or_default(),
            tier.namespace(),
            from["name"].as_str().unwrap_or_default(),
        );
        match data(client, &key, before, step).await? {
            Some(found) => variables.extend(found),
            None if from["optional"] == true => {}
            None => return Err(Failure::invalid(format!("its variables come from {key}, which does not exist"))),
        }
    }
    let own = post["substitute"].as_object().into_iter().flatten();
    variables.extend(own.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))));
    // A value is one line, as Flux has it.
    for value in variables.values_mut() {
        *value = value.replace('\n', "");
    }
    Ok(Some(variables))
}

/// The data of a `ConfigMap`, as it will be, or of a Secret, masked from then on.
async fn data(client: &Client, key: &Key, before: &[Built], step: &Step) -> Result<Option<BTreeMap<String, String>>> {
    let built = before.iter().flat_map(|tier| &tier.objects).find(|object| {
        let kind = object.types.as_ref().map(|types| types.kind.as_str());
        kind == Some("ConfigMap")
            && key.kind == "ConfigMap"
            && object.name_any() == key.name
            && object.namespace().as_deref() == Some(&key.namespace)
    });
    if let Some(object) = built {
        let texts = object.data["data"].as_object().into_iter().flatten();
        return Ok(Some(texts.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned()))).collect()));
    }
    let unreadable = |error: kube::Error| failed(format!("{key} cannot be read"), &error);
    if key.kind == "ConfigMap" {
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), &key.namespace);
        return Ok(api.get_opt(&key.name).await.map_err(unreadable)?.map(|found| found.data.unwrap_or_default()));
    }
    let api: Api<Secret> = Api::namespaced(client.clone(), &key.namespace);
    let Some(secret) = api.get_opt(&key.name).await.map_err(unreadable)? else { return Ok(None) };
    let texts = secret.data.unwrap_or_default().into_iter();
    let texts =
        texts.map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes.0).into_owned())).collect::<BTreeMap<_, _>>();
    for text in texts.values() {
        step.events().secrets().register(text);
    }
    Ok(Some(texts))
}
