//! What the probe puts into the repository and into the cluster.

use engine::failure::Result;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use crate::flux::{Key, NAMESPACE, Object};
use crate::kube::object;
use crate::plan::Pace;

/// The name of the source, and what the other names begin with.
pub const NAME: &str = "seedbed-evaluate";
/// The tier whose kind is missing.
pub const FIRST: &str = "seedbed-evaluate-first";
/// The tier that depends on it, and its `ConfigMap`.
pub const SECOND: &str = "seedbed-evaluate-second";
/// A kind that nothing defines: `.invalid` is nobody's (RFC 2606).
pub const KIND: &str = "NeverDefined";

/// The two tiers as they lie in the repository.
pub const FILES: [(&str, &str); 2] = [
    (
        "first/missing.yaml",
        "apiVersion: evaluate.seedbed.invalid/v1\n\
         kind: NeverDefined\n\
         metadata: {name: seedbed-evaluate-first, namespace: flux-system}\n",
    ),
    (
        "second/never.yaml",
        "apiVersion: v1\n\
         kind: ConfigMap\n\
         metadata: {name: seedbed-evaluate-second, namespace: flux-system}\n\
         data: {made: before what it depends on}\n",
    ),
];

/// What of the first source's spec opens the repository.
const OPENS: [&str; 7] =
    ["url", "secretRef", "provider", "serviceAccountName", "proxySecretRef", "certSecretRef", "timeout"];

/// The source and its two tiers, in the order of making.
pub fn flux(main: &Object, tag: &str, pace: Pace) -> Result<[DynamicObject; 3]> {
    let first = object(tier(FIRST, "first", &[], pace))?;
    let second = object(tier(SECOND, "second", &[FIRST], pace))?;
    Ok([object(source(main, tag))?, first, second])
}

/// What must never be made.
pub fn never() -> Result<DynamicObject> {
    object(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": SECOND, "namespace": NAMESPACE},
    }))
}

/// The keys of the Flux objects.
pub fn keys() -> [Key; 3] {
    [("GitRepository", NAME), ("Kustomization", FIRST), ("Kustomization", SECOND)]
        .map(|(kind, name)| Key::new(kind, NAMESPACE, name))
}

fn source(main: &Object, tag: &str) -> Value {
    let opens = OPENS.iter().filter_map(|name| Some(((*name).to_owned(), main.0["spec"].get(name)?.clone())));
    let mut spec: serde_json::Map<String, Value> = opens.collect();
    spec.insert("interval".into(), json!("1m"));
    spec.insert("ref".into(), json!({"tag": tag}));
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": metadata(NAME), "spec": spec,
    })
}

fn tier(name: &str, path: &str, on: &[&str], pace: Pace) -> Value {
    let on: Vec<Value> = on.iter().map(|name| json!({"name": name})).collect();
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": metadata(name),
        "spec": {
            "dependsOn": on,
            "sourceRef": {"kind": "GitRepository", "name": NAME},
            "path": format!("./{path}"),
            "prune": true,
            "wait": true,
            "interval": "1m",
            "retryInterval": "10s",
            "timeout": if pace == Pace::Emulated { "5m" } else { "1m" },
        },
    })
}

fn metadata(name: &str) -> Value {
    json!({
        "name": name, "namespace": NAMESPACE,
        "labels": {"app.kubernetes.io/managed-by": "seedbed-evaluate"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::parse_documents;

    #[test]
    fn the_source_is_opened_as_the_first_one_and_reads_a_tag() {
        let main = Object(json!({"spec": {
            "url": "ssh://git@host/x.git", "secretRef": {"name": "flux-system"}, "timeout": "5m", "interval": "1h",
            "ref": {"branch": "main"}, "verify": {"mode": "HEAD"}, "ignore": "/*", "suspend": true,
        }}));
        let [source, _, second] = flux(&main, "a-tag", Pace::Native).unwrap();
        let expected = json!({
            "url": "ssh://git@host/x.git", "secretRef": {"name": "flux-system"}, "timeout": "5m", "interval": "1m",
            "ref": {"tag": "a-tag"},
        });
        assert_eq!(source.data["spec"], expected);
        assert_eq!(second.data["spec"]["dependsOn"], json!([{"name": FIRST}]));
    }

    #[test]
    fn the_files_are_what_is_looked_for() {
        let objects: Vec<DynamicObject> =
            FILES.iter().flat_map(|(path, text)| parse_documents(path, text).unwrap()).collect();
        let never = never().unwrap();
        assert_eq!(objects[0].types.as_ref().unwrap().kind, KIND);
        assert_eq!((objects[0].metadata.name.as_deref(), objects.len()), (Some(FIRST), 2));
        assert_eq!((&objects[1].types, &objects[1].metadata), (&never.types, &never.metadata));
    }
}
