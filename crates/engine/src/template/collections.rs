//! Ansible's filters over lists and maps.
#![expect(clippy::needless_pass_by_value, reason = "minijinja hands filters owned arguments")]

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, Value};
use serde_json::{Map, Value as Json};

use super::filters::wrong;
use super::json;

pub fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter("combine", combine);
    environment.add_filter("dict2items", dict2items);
    environment.add_filter("items2dict", items2dict);
    environment.add_filter("flatten", flatten);
    environment.add_filter("difference", |one: Vec<Value>, other: Vec<Value>| {
        distinct(one.into_iter().filter(|item| !other.contains(item)))
    });
    environment.add_filter("intersect", |one: Vec<Value>, other: Vec<Value>| {
        distinct(one.into_iter().filter(|item| other.contains(item)))
    });
    environment.add_filter("union", |one: Vec<Value>, other: Vec<Value>| distinct(one.into_iter().chain(other)));
    environment.add_filter("extract", extract);
}

fn combine(first: &Value, others: Rest<Value>, options: Kwargs) -> Result<Value, Error> {
    let recursive = options.get::<Option<bool>>("recursive")?.unwrap_or(false);
    options.assert_all_used()?;
    let mut combined = map(first)?;
    for other in others.iter() {
        merge(&mut combined, map(other)?, recursive);
    }
    Ok(json::to_template(&Json::Object(combined)))
}

fn map(value: &Value) -> Result<Map<String, Json>, Error> {
    match json::from_template(value)? {
        Json::Object(map) => Ok(map),
        _ => Err(wrong(format!("a map is needed here, not a {}", value.kind()))),
    }
}

fn merge(into: &mut Map<String, Json>, from: Map<String, Json>, recursive: bool) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Json::Object(there)), Json::Object(more)) if recursive => merge(there, more, true),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn dict2items(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let (key, content) = names(&options)?;
    let item = |(name, value): (String, Json)| {
        Json::Object([(key.clone(), Json::String(name)), (content.clone(), value)].into_iter().collect())
    };
    Ok(json::to_template(&map(value)?.into_iter().map(item).collect()))
}

fn items2dict(items: Vec<Value>, options: Kwargs) -> Result<Value, Error> {
    let (key, content) = names(&options)?;
    let entry = |item: &Value| Ok((item.get_attr(&key)?.to_string(), json::from_template(&item.get_attr(&content)?)?));
    let entries = items.iter().map(entry).collect::<Result<Map<_, _>, Error>>()?;
    Ok(json::to_template(&Json::Object(entries)))
}

/// The names of an item's key and of its value.
fn names(options: &Kwargs) -> Result<(String, String), Error> {
    let key = options.get::<Option<String>>("key_name")?.unwrap_or_else(|| "key".into());
    let value = options.get::<Option<String>>("value_name")?.unwrap_or_else(|| "value".into());
    options.assert_all_used()?;
    Ok((key, value))
}

fn flatten(items: Vec<Value>, levels: Option<usize>) -> Result<Vec<Value>, Error> {
    let mut flat = Vec::new();
    for item in items {
        match (item.kind(), levels) {
            (ValueKind::Seq | ValueKind::Iterable, None | Some(1..)) => {
                flat.extend(flatten(item.try_iter()?.collect(), levels.map(|levels| levels - 1))?);
            }
            (ValueKind::None, _) => {}
            _ => flat.push(item),
        }
    }
    Ok(flat)
}

fn distinct(items: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut kept = Vec::new();
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}

fn extract(key: Value, container: &Value) -> Result<Value, Error> {
    container.get_item(&key)
}
