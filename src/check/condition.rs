//! A condition in the status of an object, as `kubectl wait` looks at it.

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::core::gvk::ParseGroupVersionError;
use kube::discovery::pinned_kind;

use super::Way;
use crate::flux::Object;
use crate::kube::failed;
use crate::spec::Wanted;

/// Looks once: the condition if it is as wanted, else what is there.
pub async fn look(wanted: &Wanted, way: &Way) -> Result<String, String> {
    let told = |error: kube::Error| failed("", &error).causes.concat();
    let kind = kind(wanted).map_err(|error| error.to_string())?;
    let (resource, _) = pinned_kind(&way.client, &kind).await.map_err(told)?;
    let found = api(wanted, way, &resource).get_opt(&wanted.name).await.map_err(told)?;
    let found = found.ok_or_else(|| format!("there is no {wanted}"))?;
    let object = serde_json::to_value(&found).map_err(|error| error.to_string())?;
    judge(wanted, &Object(object))
}

fn kind(wanted: &Wanted) -> Result<GroupVersionKind, ParseGroupVersionError> {
    let version: kube::core::GroupVersion = wanted.api_version.parse()?;
    Ok(version.with_kind(&wanted.kind))
}

fn api(wanted: &Wanted, way: &Way, resource: &ApiResource) -> Api<DynamicObject> {
    match &wanted.namespace {
        Some(namespace) => Api::namespaced_with(way.client.clone(), namespace, resource),
        None => Api::all_with(way.client.clone(), resource),
    }
}

fn judge(wanted: &Wanted, object: &Object) -> Result<String, String> {
    let Some(condition) = object.condition(&wanted.condition) else {
        return Err(format!("{wanted} has no condition {}", wanted.condition));
    };
    let said = [condition.reason, condition.message].into_iter().filter(|text| !text.is_empty());
    let mut shown = format!("{} is {}", wanted.condition, condition.status);
    shown.extend(said.map(|text| format!(": {text}")));
    // An older generation's condition says nothing of the newest.
    let old = object.0.pointer("/status/observedGeneration").is_some() && !object.observed();
    if old || object.current_condition(&wanted.condition).is_none() {
        return Err(format!("{shown} (of an older generation)"));
    }
    if condition.status == wanted.status { Ok(shown) } else { Err(shown) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_condition_must_be_of_the_newest_generation() {
        let wanted = Wanted {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: Some("apps".into()),
            name: "sample".into(),
            condition: "Available".into(),
            status: "True".into(),
        };
        let object = |status: &str, observed: i64| {
            let conditions = json!([{"type": "Available", "status": status, "reason": "Because"}]);
            let status = json!({"observedGeneration": observed, "conditions": conditions});
            Object(json!({"metadata": {"generation": 2}, "status": status}))
        };
        assert_eq!(judge(&wanted, &object("True", 2)), Ok("Available is True: Because".into()));
        assert_eq!(judge(&wanted, &object("False", 2)), Err("Available is False: Because".into()));
        assert!(judge(&wanted, &object("True", 1)).unwrap_err().ends_with("(of an older generation)"));
        let none = Object(json!({"metadata": {"generation": 1}}));
        assert_eq!(judge(&wanted, &none), Err("Deployment/apps/sample has no condition Available".into()));
    }
}
