//! Ansible's filters over text and plain values.
#![expect(clippy::needless_pass_by_value, reason = "minijinja hands filters owned arguments")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Kwargs, Rest};
use minijinja::{Environment, Error, ErrorKind, Value};
use regex::RegexBuilder;
use sha2::{Digest, Sha256, Sha512};

use super::{expression, json};
use crate::digest::hexadecimal;

pub fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter("bool", boolean);
    environment.add_filter("ternary", ternary);
    environment.add_filter("mandatory", mandatory);
    environment.add_filter("regex_replace", regex_replace);
    environment.add_filter("regex_search", regex_search);
    environment.add_filter("regex_findall", regex_findall);
    environment.add_filter("regex_escape", |text: &str| regex::escape(text));
    environment.add_filter("b64encode", |text: &str| STANDARD.encode(text));
    environment.add_filter("b64decode", b64decode);
    environment.add_filter("quote", |value: &Value| crate::host::quote(&value.to_string()));
    environment.add_filter("basename", |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned());
    environment.add_filter("dirname", dirname);
    environment.add_filter("splitext", splitext);
    environment.add_filter("path_join", |parts: Vec<String>| path_join(&parts));
    environment.add_filter("hash", hash);
    environment.add_filter("comment", |text: &str| lines(text, |line| format!("# {line}").trim_end().to_owned()));
    environment.add_filter("type_debug", type_debug);
    environment.add_filter("to_json", to_json);
    environment.add_filter("to_nice_json", to_nice_json);
    environment.add_filter("from_json", from_json);
    environment.add_filter("to_yaml", to_yaml);
    environment.add_filter("to_nice_yaml", to_yaml);
    environment.add_filter("from_yaml", from_yaml);
}

/// An error of a filter's own.
pub fn wrong(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, text.into())
}

fn boolean(value: &Value) -> Result<bool, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let value = json::from_template(value)?;
    // Like Ansible: text that spells no boolean is false.
    Ok(expression::truth(&value).unwrap_or(false))
}

fn ternary(value: &Value, yes: Value, no: Value, none: Option<Value>) -> Value {
    match none {
        Some(none) if value.is_none() => none,
        _ if value.is_true() => yes,
        _ => no,
    }
}

fn mandatory(value: &Value, message: Option<&str>) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(wrong(message.unwrap_or("a mandatory variable is not defined")));
    }
    Ok(value.clone())
}

/// A regular expression with the options that Ansible's filters take.
pub fn pattern(text: &str, options: &Kwargs) -> Result<regex::Regex, Error> {
    RegexBuilder::new(text)
        .multi_line(options.get::<Option<bool>>("multiline")?.unwrap_or(false))
        .case_insensitive(options.get::<Option<bool>>("ignorecase")?.unwrap_or(false))
        .build()
        .map_err(|error| wrong(format!("the regular expression `{text}` does not parse: {error}")))
}

/// Python's `\1` and `\g<name>` as the regex crate writes them.
pub fn replacement(text: &str) -> String {
    let mut written = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek().copied()) {
            ('$', _) => written.push_str("$$"),
            ('\\', Some('g')) => {
                rest.next();
                let name: String = rest.by_ref().skip_while(|c| *c == '<').take_while(|c| *c != '>').collect();
                written.extend(["${", &name, "}"]);
            }
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                rest.next();
                written.extend(['$', '{', digit, '}']);
            }
            ('\\', Some(escaped)) => {
                rest.next();
                written.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
            }
            (other, _) => written.push(other),
        }
    }
    written
}

fn regex_replace(text: &Value, from: &str, to: &str, options: Kwargs) -> Result<String, Error> {
    let count = options.get::<Option<usize>>("count")?.unwrap_or(0);
    let from = pattern(from, &options)?;
    options.assert_all_used()?;
    Ok(from.replacen(&text.to_string(), count, replacement(to).as_str()).into_owned())
}

fn regex_search(text: &Value, sought: &str, groups: Rest<String>, options: Kwargs) -> Result<Value, Error> {
    let sought = pattern(sought, &options)?;
    options.assert_all_used()?;
    let text = text.to_string();
    let Some(found) = sought.captures(&text) else { return Ok(Value::from(())) };
    if groups.is_empty() {
        return Ok(Value::from(&found[0]));
    }
    let group = |name: &String| {
        let name = name.trim_start_matches("\\g<").trim_end_matches('>').trim_start_matches('\\');
        let group = name.parse().map_or_else(|_| found.name(name), |number: usize| found.get(number));
        group.map_or(Value::from(()), |group| Value::from(group.as_str()))
    };
    Ok(groups.iter().map(group).collect())
}

fn regex_findall(text: &Value, sought: &str, options: Kwargs) -> Result<Vec<Value>, Error> {
    let sought = pattern(sought, &options)?;
    options.assert_all_used()?;
    let text = text.to_string();
    let one = |found: regex::Captures<'_>| {
        let group = |number| Value::from(found.get(number).map_or("", |group| group.as_str()));
        match found.len() {
            1 => group(0),
            2 => group(1),
            many => (1..many).map(group).collect(),
        }
    };
    Ok(sought.captures_iter(&text).map(one).collect())
}

fn b64decode(text: &str) -> Result<String, Error> {
    let bytes = STANDARD.decode(text.trim()).map_err(|error| wrong(format!("this is no base64: {error}")))?;
    String::from_utf8(bytes).map_err(|_| wrong("the decoded bytes are no text"))
}

fn dirname(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((directory, _)) => directory.to_owned(),
        None => String::new(),
    }
}

fn splitext(path: &str) -> Vec<String> {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    match path.rfind('.').filter(|dot| *dot > name) {
        Some(dot) => vec![path[..dot].to_owned(), path[dot..].to_owned()],
        None => vec![path.to_owned(), String::new()],
    }
}

fn path_join(parts: &[String]) -> String {
    parts.iter().fold(String::new(), |path, part| {
        if part.starts_with('/') || path.is_empty() {
            part.clone()
        } else {
            format!("{}/{part}", path.trim_end_matches('/'))
        }
    })
}

fn hash(text: &Value, algorithm: Option<&str>) -> Result<String, Error> {
    let bytes = text.to_string();
    match algorithm {
        Some("sha256") => Ok(hexadecimal(&Sha256::digest(&bytes))),
        Some("sha512") => Ok(hexadecimal(&Sha512::digest(&bytes))),
        other => Err(wrong(format!("no hash `{}` here; use sha256 or sha512", other.unwrap_or("sha1")))),
    }
}

fn lines(text: &str, each: impl Fn(&str) -> String) -> String {
    text.lines().map(each).collect::<Vec<_>>().join("\n")
}

fn type_debug(value: &Value) -> String {
    use minijinja::value::ValueKind;
    match value.kind() {
        ValueKind::Undefined => "AnsibleUndefined",
        ValueKind::None => "NoneType",
        ValueKind::Bool => "bool",
        ValueKind::Number if value.is_integer() => "int",
        ValueKind::Number => "float",
        ValueKind::String => "str",
        ValueKind::Seq | ValueKind::Iterable => "list",
        ValueKind::Map => "dict",
        _ => "object",
    }
    .to_owned()
}

fn to_json(value: &Value, _options: Kwargs) -> Result<String, Error> {
    let text = serde_json::to_string(&json::from_template(value)?);
    text.map_err(|error| wrong(error.to_string()))
}

fn to_nice_json(value: &Value, options: Kwargs) -> Result<String, Error> {
    use serde::Serialize as _;
    let value = json::from_template(value)?;
    let indent = " ".repeat(options.get::<Option<usize>>("indent")?.unwrap_or(4));
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    value.serialize(&mut serializer).map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))
}

fn from_json(text: &str) -> Result<Value, Error> {
    let parsed = serde_json::from_str(text).map_err(|error| wrong(format!("this is no JSON: {error}")))?;
    Ok(json::to_template(&parsed))
}

fn to_yaml(value: &Value, _options: Kwargs) -> Result<String, Error> {
    let value = json::from_template(value)?;
    serde_saphyr::to_string(&value).map_err(|error| wrong(format!("this cannot be written as YAML: {error}")))
}

fn from_yaml(text: &str) -> Result<Value, Error> {
    let node = crate::playbook::yaml::read("text", text).map_err(|mistakes| {
        wrong(mistakes.first().map_or_else(|| "this is no YAML".to_owned(), ToString::to_string))
    })?;
    Ok(node.map_or(Value::from(()), |node| json::to_template(&node.to_json())))
}
