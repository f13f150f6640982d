//! The items over which a task is repeated.

use serde_json::{Value as Json, json};

use crate::failure::{Failure, Result};
use crate::playbook::play::{Loop, LoopKind};
use crate::template::{self, Context};

/// The items of a loop.
pub fn items(repeat: &Loop, context: &Context) -> Result<Vec<Json>> {
    let wrong = |value: &Json, wanted: &str| {
        let kind = match value {
            Json::String(_) => "text",
            Json::Object(_) => "a map",
            Json::Null => "nothing",
            _ => "a plain value",
        };
        Failure::invalid(format!("a loop needs {wanted}, not {kind}")).place(repeat.place.clone())
    };
    let value = template::resolve(&repeat.over, context)?;
    match (repeat.kind, value) {
        (LoopKind::List, Json::Array(items)) => Ok(items),
        (LoopKind::List, other) => {
            Err(wrong(&other, "a list").hint("`| dict2items` makes a list of a map, `| list` of what can be iterated"))
        }
        (LoopKind::Items, Json::Array(items)) => Ok(items.into_iter().flat_map(flat).collect()),
        (LoopKind::Items, other) => Ok(vec![other]),
        (LoopKind::Dict, Json::Object(map)) => {
            Ok(map.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect())
        }
        (LoopKind::Dict, other) => Err(wrong(&other, "a map")),
    }
}

fn flat(item: Json) -> Vec<Json> {
    match item {
        Json::Array(items) => items,
        other => vec![other],
    }
}
