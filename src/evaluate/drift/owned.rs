//! What of an object Flux itself has applied: the fields that its managers own.

use serde_json::Value;

use crate::flux::Object;

/// What Flux's own labels and annotations begin with; whoever alters them alters Flux.
const OWN: &str = "toolkit.fluxcd.io";

/// The field managers that apply for Flux.
fn is_flux(manager: &str) -> bool {
    ["kustomize-controller", "helm-controller", "helm"].contains(&manager)
}

/// Whether Flux set a field: its path in the notation of `fieldsV1`, as in `f:spec`, `f:replicas`.
pub fn owns(object: &Object, path: &[&str]) -> bool {
    let managers = object.list("/metadata/managedFields").iter();
    let flux = managers.filter(|entry| is_flux(entry["manager"].as_str().unwrap_or_default()));
    flux.map(|entry| &entry["fieldsV1"]).any(|fields| {
        path.iter().try_fold(fields, |fields, name| fields.get(*name)).is_some_and(|field| !field.is_null())
    })
}

/// A label of Git's that nothing selects by.
pub fn label(object: &Object) -> Option<String> {
    let labels = object.0.pointer("/metadata/labels").and_then(Value::as_object)?;
    let of_git = |name: &&String| {
        let field = format!("f:{name}");
        // Helm refuses to own what does not carry its own label.
        !name.contains(OWN)
            && *name != "app.kubernetes.io/managed-by"
            && owns(object, &["f:metadata", "f:labels", &field])
    };
    labels.keys().find(of_git).cloned()
}

/// A key of a `ConfigMap` that is Git's, with a value.
pub fn data_key(object: &Object) -> Option<String> {
    let data = object.0.pointer("/data").and_then(Value::as_object)?;
    data.keys().find(|name| owns(object, &["f:data", &format!("f:{name}")])).cloned()
}

/// Whether Git says how many replicas there are.
pub fn replicas(object: &Object) -> bool {
    owns(object, &["f:spec", "f:replicas"])
}

/// Whether Flux was told to leave an object alone.
pub fn left_alone(object: &Object) -> bool {
    let off =
        |pointer: &str| matches!(object.text(pointer).to_lowercase().as_str(), "disabled" | "ignore" | "ifnotpresent");
    let marks = [
        "/metadata/annotations/kustomize.toolkit.fluxcd.io~1reconcile",
        "/metadata/labels/kustomize.toolkit.fluxcd.io~1reconcile",
        "/metadata/annotations/kustomize.toolkit.fluxcd.io~1ssa",
        "/metadata/labels/kustomize.toolkit.fluxcd.io~1ssa",
        "/metadata/annotations/helm.toolkit.fluxcd.io~1driftDetection",
        "/metadata/labels/helm.toolkit.fluxcd.io~1driftDetection",
    ];
    marks.into_iter().any(off)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Object {
        Object(json!({
            "metadata": {
                "labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "mine": "a", "team": "garden"},
                "managedFields": [
                    {"manager": "someone", "fieldsV1": {"f:metadata": {"f:labels": {"f:mine": {}}}, "f:data": {"f:a": {}}}},
                    {"manager": "kustomize-controller", "fieldsV1": {
                        "f:metadata": {"f:labels": {"f:kustomize.toolkit.fluxcd.io/name": {}, "f:team": {}}},
                        "f:data": {"f:b": {}}, "f:spec": {"f:replicas": {}},
                    }},
                ],
            },
            "data": {"a": "1", "b": "2"},
        }))
    }

    #[test]
    fn only_what_git_set_is_altered() {
        assert_eq!(label(&object()).as_deref(), Some("team"));
        assert_eq!(data_key(&object()).as_deref(), Some("b"));
        assert!(replicas(&object()) && !owns(&object(), &["f:spec", "f:paused"]));
        let mut alone = object();
        assert!(!left_alone(&alone));
        alone.0["metadata"]["annotations"] = json!({"kustomize.toolkit.fluxcd.io/reconcile": "disabled"});
        assert!(left_alone(&alone));
    }
}
