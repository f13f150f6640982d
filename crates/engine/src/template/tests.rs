//! Ansible's tests, what follows `is`.

use std::cmp::Ordering;

use minijinja::value::Kwargs;
use minijinja::{Environment, Error, Value};

use super::filters::{pattern, wrong};

pub fn add_to(environment: &mut Environment<'static>) {
    for name in ["failed", "failure"] {
        environment.add_test(name, |result: &Value| flag(result, "failed"));
    }
    for name in ["succeeded", "success", "successful"] {
        environment.add_test(name, |result: &Value| flag(result, "failed").map(|failed| !failed));
    }
    for name in ["changed", "change"] {
        environment.add_test(name, |result: &Value| flag(result, "changed"));
    }
    for name in ["skipped", "skip"] {
        environment.add_test(name, |result: &Value| flag(result, "skipped"));
    }
    for name in ["version", "version_compare"] {
        environment.add_test(name, version);
    }
    environment.add_test("match", |text: &Value, sought: &str, options: Kwargs| {
        found(text, &format!("^(?:{sought})"), &options)
    });
    environment.add_test("search", |text: &Value, sought: &str, options: Kwargs| found(text, sought, &options));
    environment.add_test("regex", |text: &Value, sought: &str, options: Kwargs| found(text, sought, &options));
    environment.add_test("contains", |list: Vec<Value>, item: Value| list.contains(&item));
    environment.add_test("subset", |one: Vec<Value>, other: Vec<Value>| one.iter().all(|item| other.contains(item)));
    environment.add_test("superset", |one: Vec<Value>, other: Vec<Value>| other.iter().all(|item| one.contains(item)));
    environment.add_test("truthy", |value: &Value| value.is_true());
    environment.add_test("falsy", |value: &Value| !value.is_true());
    environment.add_test("all", |list: Vec<Value>| list.iter().all(Value::is_true));
    environment.add_test("any", |list: Vec<Value>| list.iter().any(Value::is_true));
}

fn flag(result: &Value, name: &str) -> Result<bool, Error> {
    match result.kind() {
        minijinja::value::ValueKind::Map => Ok(result.get_attr(name)?.is_true()),
        kind => Err(wrong(format!("`is {name}` needs a registered result, not a {kind}"))),
    }
}

fn found(text: &Value, sought: &str, options: &Kwargs) -> Result<bool, Error> {
    let sought = pattern(sought, options)?;
    options.assert_all_used()?;
    Ok(sought.is_match(&text.to_string()))
}

fn version(value: &Value, other: &Value, operator: Option<&str>, _options: Kwargs) -> Result<bool, Error> {
    let order = compare(&value.to_string(), &other.to_string());
    match operator.unwrap_or("==") {
        "==" | "=" | "eq" => Ok(order == Ordering::Equal),
        "!=" | "<>" | "ne" => Ok(order != Ordering::Equal),
        "<" | "lt" => Ok(order == Ordering::Less),
        "<=" | "le" => Ok(order != Ordering::Greater),
        ">" | "gt" => Ok(order == Ordering::Greater),
        ">=" | "ge" => Ok(order != Ordering::Less),
        other => Err(wrong(format!("no operator `{other}`: one of ==, !=, <, <=, >, >="))),
    }
}

/// Compares loosely, like Python's `LooseVersion`: numbers as numbers, words as words, a word below a number.
fn compare(one: &str, other: &str) -> Ordering {
    let parts = |text: &str| -> Vec<(Option<u64>, String)> {
        let text = text.trim().trim_start_matches('v');
        let mut parts: Vec<String> = Vec::new();
        let mut digits = None;
        for c in text.chars() {
            if c == '.' || c == '-' || c == '+' || c == '~' || c == '_' {
                digits = None;
                continue;
            }
            if digits != Some(c.is_ascii_digit()) {
                parts.push(String::new());
                digits = Some(c.is_ascii_digit());
            }
            if let Some(part) = parts.last_mut() {
                part.push(c);
            }
        }
        parts
            .into_iter()
            .map(|part| (part.parse().ok(), part))
            .map(|(n, part)| (n, if n.is_some() { String::new() } else { part }))
            .collect()
    };
    let (one, other) = (parts(one), parts(other));
    for index in 0..one.len().max(other.len()) {
        let zero = (Some(0), String::new());
        let order = match (one.get(index), other.get(index)) {
            // A release follows its pre-releases: 1.2 > 1.2rc1, and equals 1.2.0.
            (None, Some((None, _))) => Ordering::Greater,
            (Some((None, _)), None) => Ordering::Less,
            (left, right) => left.unwrap_or(&zero).cmp(right.unwrap_or(&zero)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn versions_compare_as_people_read_them() {
        assert_eq!(compare("1.10", "1.9"), Ordering::Greater);
        assert_eq!(compare("v1.36.3", "1.36.3"), Ordering::Equal);
        assert_eq!(compare("1.2", "1.2.0"), Ordering::Equal);
        assert_eq!(compare("1.2rc1", "1.2"), Ordering::Less);
        assert_eq!(compare("12", "13.1"), Ordering::Less);
    }
}
