//! The JSON schema of the spec, for editors.

use serde_json::Value;

/// The schema, as in `seedbed.schema.json`.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(super::raw::Spec).to_value();
    without_null(&mut schema);
    if let Value::Object(map) = &mut schema {
        map.insert("title".into(), "seedbed cluster spec".into());
    }
    schema
}

/// Removes the alternative `null` that optional fields have: an editor need not offer it.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(alternatives)) = map.get_mut("anyOf") {
                alternatives.retain(|one| one["type"] != "null");
                if let [Value::Object(only)] = alternatives.as_slice() {
                    let only = only.clone();
                    map.shift_remove("anyOf");
                    map.extend(only);
                }
            }
            map.values_mut().for_each(without_null);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_schema_is_the_current_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/seedbed.schema.json");
        let current = serde_json::to_string_pretty(&super::schema()).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(path, &current).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == current, "seedbed.schema.json is not current: UPDATE_SCHEMA=1 cargo test --lib schema");
    }
}
