//! The configuration that kubeadm reads: templates, and the user's extras in `ClusterConfiguration`.

use engine::failure::{Failure, Result};
use serde_json::{Map, Value};

use super::token::Token;
use crate::phase::ground::Ground;
use crate::plan::NodePlan;

/// What the plan decides and other parts rely on.
const PLANNED: [&str; 6] =
    ["apiVersion", "kind", "clusterName", "kubernetesVersion", "controlPlaneEndpoint", "certificatesDir"];

/// The file for `kubeadm init`.
pub fn init(ground: &Ground<'_>, node: &NodePlan, token: &Token) -> Result<String> {
    let mut variables = ground.variables(node);
    variables.insert("token".into(), token.text().into());
    let text = ground.render("kubeadm-init.yaml", variables)?;
    let mut documents: Vec<Value> = serde_saphyr::from_multiple(&text)
        .map_err(|error| Failure::invalid("the rendered templates/kubeadm-init.yaml does not parse").because(&error))?;
    let extras = &ground.plan.kubernetes.kubeadm;
    let cluster = documents.iter_mut().find(|document| document["kind"] == "ClusterConfiguration");
    match cluster.and_then(Value::as_object_mut) {
        Some(cluster) => merge_extras(cluster, extras)?,
        None if extras.is_empty() => {}
        None => {
            return Err(Failure::invalid(
                "templates/kubeadm-init.yaml has no ClusterConfiguration to merge `kubernetes.kubeadm` into",
            ));
        }
    }
    let texts: Result<Vec<String>, _> = documents.iter().map(serde_saphyr::to_string).collect();
    let texts = texts.map_err(|error| Failure::other("kubeadm's configuration cannot be written").because(&error))?;
    Ok(texts.join("---\n"))
}

/// The file for `kubeadm join` of a worker.
pub fn join(ground: &Ground<'_>, node: &NodePlan, token: &Token) -> Result<String> {
    let mut variables = ground.variables(node);
    variables.insert("token".into(), token.text().into());
    variables.insert("pin".into(), ground.identity.authorities.cluster.public_key_pin()?.into());
    ground.render("kubeadm-join.yaml", variables)
}

/// Merges the spec's `kubernetes.kubeadm`; what the plan decides cannot be overridden.
fn merge_extras(cluster: &mut Map<String, Value>, extras: &Map<String, Value>) -> Result<()> {
    if let Some(name) = PLANNED.iter().find(|name| extras.contains_key(**name)) {
        return Err(Failure::invalid(format!("kubernetes.kubeadm.{name} is planned by seedbed"))
            .hint("Remove it; the spec's own fields say the version and the networks."));
    }
    for (key, value) in extras {
        merge(cluster.entry(key.clone()).or_insert(Value::Null), value);
    }
    Ok(())
}

/// Maps are merged, lists of named entries (arguments, volumes) by name, other lists joined, the rest replaced.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) => {
            for item in from {
                let same = into
                    .iter_mut()
                    .find(|old| **old == *item || (!item["name"].is_null() && old["name"] == item["name"]));
                match same {
                    Some(old) => *old = item.clone(),
                    None => into.push(item.clone()),
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn extras_are_merged_by_name() {
        let mut cluster = object(json!({
            "apiServer": {"certSANs": ["a"], "extraArgs": [{"name": "x", "value": "1"}, {"name": "y", "value": "1"}]},
            "dns": {"imageTag": "v1"},
        }));
        let extras = object(json!({
            "apiServer": {"certSANs": ["a", "b"], "extraArgs": [{"name": "y", "value": "2"}, {"name": "z", "value": "3"}]},
            "featureGates": {"X": true},
        }));
        merge_extras(&mut cluster, &extras).unwrap();
        let arguments = json!([{"name": "x", "value": "1"}, {"name": "y", "value": "2"}, {"name": "z", "value": "3"}]);
        assert_eq!(cluster["apiServer"]["extraArgs"], arguments);
        assert_eq!(cluster["apiServer"]["certSANs"], json!(["a", "b"]));
        assert_eq!(cluster["featureGates"], json!({"X": true}));
        assert_eq!(cluster["dns"], json!({"imageTag": "v1"}));
    }

    #[test]
    fn what_the_plan_decides_is_refused() {
        let failure = merge_extras(&mut Map::new(), &object(json!({"kubernetesVersion": "v1.0.0"}))).unwrap_err();
        assert_eq!(failure.what, "kubernetes.kubeadm.kubernetesVersion is planned by seedbed");
    }
}
