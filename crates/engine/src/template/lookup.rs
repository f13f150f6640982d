//! The names that are there without anyone's definition.

use minijinja::Value;

use super::OMIT;

/// A name of the engine's own.
pub fn magic(name: &str) -> Option<Value> {
    match name {
        "omit" => Some(Value::from(OMIT)),
        _ => None,
    }
}
