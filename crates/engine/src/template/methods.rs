//! The methods of Python's strings, dicts and lists that templates call.

use minijinja::value::{ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};

/// Calls a method on a value; minijinja asks here when it knows none itself.
pub fn call(state: &mut State<'_, '_>, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => of_text(value.as_str().unwrap_or_default(), method, args),
        ValueKind::Map => of_map(state, value, method, args),
        ValueKind::Seq | ValueKind::Iterable => of_list(value, method, args),
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn of_text(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let optional = || from_args::<(Option<&str>,)>(args).map(|(given,)| given);
    let one = || from_args::<(&str,)>(args).map(|(given,)| given);
    let strip = |characters: Option<&str>, start: bool, end: bool| {
        let ours = |c: char| characters.map_or(c.is_whitespace(), |characters| characters.contains(c));
        let text = if start { text.trim_start_matches(ours) } else { text };
        Value::from(if end { text.trim_end_matches(ours) } else { text })
    };
    Ok(match method {
        "split" => {
            let (separator, most) = from_args::<(Option<&str>, Option<usize>)>(args)?;
            let most = most.map_or(usize::MAX, |most| most + 1);
            match separator {
                Some(separator) => text.splitn(most, separator).map(Value::from).collect(),
                None => text.split_whitespace().map(Value::from).collect(),
            }
        }
        "splitlines" => text.lines().map(Value::from).collect(),
        "strip" => strip(optional()?, true, true),
        "lstrip" => strip(optional()?, true, false),
        "rstrip" => strip(optional()?, false, true),
        "startswith" => Value::from(text.starts_with(one()?)),
        "endswith" => Value::from(text.ends_with(one()?)),
        "replace" => {
            let (from, to) = from_args::<(&str, &str)>(args)?;
            Value::from(text.replace(from, to))
        }
        "lower" => Value::from(text.to_lowercase()),
        "upper" => Value::from(text.to_uppercase()),
        "isdigit" => Value::from(!text.is_empty() && text.chars().all(|c| c.is_ascii_digit())),
        "find" => {
            let at = text.find(one()?).map(|bytes| text[..bytes].chars().count());
            Value::from(at.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
        }
        "count" => Value::from(text.matches(one()?).count()),
        "join" => {
            let (items,) = from_args::<(Vec<Value>,)>(args)?;
            Value::from(items.iter().map(ToString::to_string).collect::<Vec<_>>().join(text))
        }
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    })
}

fn of_map(state: &mut State<'_, '_>, map: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    match method {
        "items" => state.apply_filter("items", std::slice::from_ref(map)),
        "keys" => Ok(map.try_iter()?.collect()),
        "values" => map.try_iter()?.map(|key| map.get_item(&key)).collect(),
        "get" => {
            let (key, fallback) = from_args::<(&Value, Option<Value>)>(args)?;
            let found = map.get_item(key)?;
            Ok(if found.is_undefined() { fallback.unwrap_or(Value::from(())) } else { found })
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn of_list(list: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (item,) = from_args::<(&Value,)>(args)?;
    match method {
        "count" => Ok(Value::from(list.try_iter()?.filter(|other| other == item).count())),
        "index" => {
            let at = list.try_iter()?.position(|other| other == *item);
            at.map(Value::from).ok_or_else(|| super::filters::wrong("the item is not in the list"))
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}
