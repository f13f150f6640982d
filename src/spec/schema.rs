//! The JSON schema of the spec, for editors.

use serde_json::Value;

/// The schema, as in `seedbed.schema.json`.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(super::raw::Spec).to_value();
    if let Value::Object(map) = &mut schema {
        map.insert("title".into(), "seedbed cluster spec".into());
    }
    schema
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
