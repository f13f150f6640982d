//! Tells without a request whether a server-side apply would change anything.
//!
//! It costs an emulated API server seconds for a large definition, and almost always changes nothing.

use kube::api::DynamicObject;
use serde_json::{Map, Value};

use super::apply::FIELD_MANAGER;

/// Whether an object holds all that we want and we own nothing in it that we want no more.
///
/// False where that is not certain: a wanted value that the API server writes in another way, as a quantity.
pub fn is_same(live: &DynamicObject, wanted: &DynamicObject) -> bool {
    let Some(owned) = owned(live) else { return false };
    let (Ok(live), Ok(wanted)) = (serde_json::to_value(live), serde_json::to_value(wanted)) else { return false };
    holds(&live, &wanted) && owns_only(&owned, &wanted)
}

/// The fields that we applied, see the reference of `ManagedFieldsEntry` and its `fieldsV1`.
fn owned(live: &DynamicObject) -> Option<Value> {
    let entries = live.metadata.managed_fields.as_deref()?;
    let ours = entries.iter().find(|entry| {
        let whole = entry.subresource.as_deref().unwrap_or_default().is_empty();
        whole && entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.operation.as_deref() == Some("Apply")
    })?;
    Some(ours.fields_v1.as_ref()?.0.clone())
}

/// Whether everything wanted is there; what nobody wants does not matter.
fn holds(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (_, Value::Null) => live.is_null(),
        (Value::Object(live), Value::Object(wanted)) => wanted.iter().all(|(name, wanted)| {
            let live = live.get(name).unwrap_or(&Value::Null);
            if QUANTITIES.contains(&name.as_str()) { holds_quantities(live, wanted) } else { holds(live, wanted) }
        }),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| holds(live, wanted))
        }
        _ => live == wanted,
    }
}

/// What holds quantities by the names of resources.
const QUANTITIES: [&str; 3] = ["limits", "requests", "hard"];

fn holds_quantities(live: &Value, wanted: &Value) -> bool {
    let (Some(live), Some(wanted)) = (live.as_object(), wanted.as_object()) else { return live == wanted };
    wanted
        .iter()
        .all(|(name, wanted)| live.get(name).is_some_and(|live| live == wanted || quantity(live) == quantity(wanted)))
}

/// A quantity in thousandths, or its text where it is none: the API server writes `1000m` as `1`.
fn quantity(value: &Value) -> Result<i128, String> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let thousandths = match &text[digits.len()..] {
        "m" => 1,
        "" => 1000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        _ => return Err(text),
    };
    digits.parse::<i128>().map(|number| number * thousandths).map_err(|_| text.clone())
}

/// Whether every owned field is one that is wanted.
fn owns_only(owned: &Value, wanted: &Value) -> bool {
    let Some(fields) = owned.as_object() else { return false };
    fields.iter().all(|(field, below)| {
        let Some((kind, name)) = field.split_once(':') else { return field == "." };
        let found = match kind {
            "f" => wanted.get(name),
            "k" => item(wanted, name),
            "v" => value_in(wanted, name),
            _ => None,
        };
        found.is_some_and(|found| below.as_object().is_some_and(Map::is_empty) || owns_only(below, found))
    })
}

/// The item of a list of plain values.
fn value_in<'a>(list: &'a Value, text: &str) -> Option<&'a Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    list.as_array()?.iter().find(|item| **item == value)
}

/// The item of a list by its keys; a key that is not written has its default.
fn item<'a>(list: &'a Value, keys: &str) -> Option<&'a Value> {
    let keys: Map<String, Value> = serde_json::from_str(keys).ok()?;
    let fits = |item: &&Value| keys.iter().all(|(key, value)| item.get(key).is_none_or(|given| given == value));
    list.as_array()?.iter().find(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> DynamicObject {
        serde_json::from_value(value).unwrap()
    }

    fn wanted() -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {"ports": [{"port": 80, "name": "http"}]}})
    }

    /// As the API server answers it: defaults filled in, others' fields beside ours.
    fn live() -> Value {
        json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "uid": "1", "labels": {"app": "web", "theirs": "yes"}, "managedFields": [
                {"manager": "them", "operation": "Update", "fieldsV1": {"f:spec": {"f:clusterIP": {}}}},
                {"manager": "seedbed", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {"f:app": {}}},
                    "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}}}}}}]},
            "spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80, "protocol": "TCP", "name": "http"}]}})
    }

    #[test]
    fn defaults_and_fields_of_others_make_no_difference() {
        assert!(is_same(&object(live()), &object(wanted())));
    }

    #[test]
    fn what_is_wanted_anew_or_otherwise_or_no_more_makes_one() {
        let differs = |change: fn(&mut Value)| {
            let mut wanted = wanted();
            change(&mut wanted);
            !is_same(&object(live()), &object(wanted))
        };
        assert!(differs(|wanted| wanted["spec"]["ports"][0]["port"] = json!(81)));
        assert!(differs(|wanted| wanted["metadata"]["labels"]["new"] = json!("yes")));
        assert!(differs(|wanted| wanted["spec"]["ports"][0]["name"] = json!("web")));
        assert!(differs(|wanted| wanted["metadata"]["labels"] = json!({})));
        assert!(differs(|wanted| wanted["spec"]["ports"] = json!([])));
        assert!(differs(|wanted| wanted["spec"]["ports"][0] = json!({"port": 80})));
    }

    #[test]
    fn a_quantity_is_the_same_however_it_is_written() {
        let same =
            |live: Value, wanted: Value| holds(&json!({"limits": {"x": live}}), &json!({"limits": {"x": wanted}}));
        for (live, wanted) in [("1", "1000m"), ("1k", "1000"), ("1Gi", "1024Mi")] {
            assert!(same(json!(live), json!(wanted)), "{live} {wanted}");
        }
        assert!(same(json!("2"), json!(2)));
        assert!(!same(json!("1Gi"), json!("1G")) && !same(json!("a"), json!("b")));
        // Elsewhere the same text would be another.
        assert!(!holds(&json!({"data": {"x": "1"}}), &json!({"data": {"x": "1000m"}})));
    }

    #[test]
    fn an_object_that_we_never_applied_differs() {
        let mut live = live();
        live["metadata"]["managedFields"].as_array_mut().unwrap().pop();
        assert!(!is_same(&object(live), &object(wanted())));
    }
}
