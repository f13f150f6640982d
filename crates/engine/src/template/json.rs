//! Values between templates and the rest.

use minijinja::{Error, ErrorKind, Value};
use serde_json::Value as Json;

/// Hands data to templates.
pub fn to_template(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(boolean) => Value::from(*boolean),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Value::from(integer),
            (None, Some(integer)) => Value::from(integer),
            (None, None) => Value::from(number.as_f64()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(to_template).collect(),
        Json::Object(entries) => Value::from_pairs(entries.iter().map(|(key, item)| (key.as_str(), to_template(item)))),
    }
}

/// Takes what an expression gave.
pub fn from_template(value: &Value) -> Result<Json, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    serde_json::to_value(value).map_err(|error| {
        Error::new(ErrorKind::BadSerialization, format!("{} is no plain data", value.kind())).with_source(error)
    })
}

/// A value as it prints into a text, like Python's `str`.
pub fn print(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => to_template(other).to_string(),
    }
}
