//! Manifests: YAML documents into objects.

use engine::failure::{Failure, Result};
use engine::place::Place;
use kube::api::DynamicObject;
use serde_json::Value;

/// Turns JSON into an object.
pub fn object(value: Value) -> Result<DynamicObject> {
    serde_json::from_value(value).map_err(|error| Failure::other("an object does not serialise").because(&error))
}

/// Parses the documents of a manifest. Empty documents are left out, and `List` kinds opened.
pub fn parse_documents(origin: &str, text: &str) -> Result<Vec<DynamicObject>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| {
        let place = error.location().map_or_else(
            || Place::file(origin),
            |at| Place::at(origin, u32::try_from(at.line()).unwrap_or(0), u32::try_from(at.column()).unwrap_or(0)),
        );
        Failure::invalid("a manifest does not parse").place(place).because(&error)
    })?;
    let mut objects = Vec::new();
    for (index, document) in documents.into_iter().enumerate() {
        open(origin, index + 1, document, &mut objects)?;
    }
    Ok(objects)
}

fn open(origin: &str, number: usize, document: Value, objects: &mut Vec<DynamicObject>) -> Result<()> {
    if document.is_null() {
        return Ok(());
    }
    let is_list = document["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    if let (true, Some(items)) = (is_list, document["items"].as_array()) {
        return items.iter().try_for_each(|item| open(origin, number, item.clone(), objects));
    }
    let wrong = |what: &str| {
        Failure::invalid(format!("document {number} {what}"))
            .place(Place::file(origin))
            .hint("Every document of a manifest is a Kubernetes object.")
    };
    let object: DynamicObject =
        serde_json::from_value(document).map_err(|error| wrong("is no Kubernetes object").because(&error))?;
    if object.types.as_ref().is_none_or(|types| types.kind.is_empty()) {
        return Err(wrong("has no apiVersion and kind"));
    }
    if object.metadata.name.is_none() {
        return Err(wrong("has no metadata.name"));
    }
    objects.push(object);
    Ok(())
}

/// What Kubernetes reads: YAML 1.2's booleans, and `0644` written bare stays what kubectl makes of it.
fn options() -> serde_saphyr::Options {
    // A manifest is trusted as much as what it creates, and CRDs are long.
    serde_saphyr::options! { strict_booleans: true, legacy_octal_numbers: true, budget: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_lists_and_emptiness() {
        let text = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {answer: 'no', mode: \"on\"}\n---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n";
        let objects = parse_documents("a.yaml", text).unwrap();
        let names: Vec<_> = objects.iter().map(|object| object.metadata.name.clone().unwrap()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(objects[0].data["data"]["answer"], "no");
    }

    #[test]
    fn a_mistake_has_its_place() {
        let failure = parse_documents("flannel.yaml", "kind: [\n").unwrap_err();
        assert_eq!(failure.place.unwrap().file.as_ref(), "flannel.yaml");
        let failure = parse_documents("x.yaml", "apiVersion: v1\nkind: Pod\n").unwrap_err();
        assert_eq!(failure.to_string(), "x.yaml: document 1 has no metadata.name");
    }
}
