//! The tree that everything Ansible-shaped parses into.

use crate::place::Place;

/// One value of a file, with where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub place: Place,
    /// An explicit local tag without its `!`, such as `unsafe`.
    pub tag: Option<String>,
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the file's order; keys are unique.
    Map(Vec<(Key, Node)>),
}

/// A map's key, with where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub place: Place,
    pub text: String,
}

/// A scalar: what was written, and what an untyped reader takes it for.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// What was written, so that a field declared as text gets `1.30` and `no` as they stand.
    pub text: String,
    pub kind: ScalarKind,
}

/// What an untyped reader takes a scalar for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScalarKind {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Only one that prints as it was written; any other stays text.
    Float(f64),
    Text,
}

impl Scalar {
    /// Resolves a plain scalar as Ansible reads it, except that `0644`, `12:30` and `1_000` stay text.
    pub fn plain(text: &str) -> Self {
        let kind = match text {
            "" | "~" | "null" | "Null" | "NULL" => ScalarKind::Null,
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => ScalarKind::Boolean(true),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => ScalarKind::Boolean(false),
            _ => Self::number(text),
        };
        Self { text: text.to_owned(), kind }
    }

    /// A quoted or block scalar, which is always text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: ScalarKind::Text }
    }

    fn number(text: &str) -> ScalarKind {
        if let Some(integer) = text.parse::<i64>().ok().filter(|integer| integer.to_string() == text) {
            return ScalarKind::Integer(integer);
        }
        let begins = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
        match text.parse::<f64>() {
            Ok(float) if begins && format!("{float:?}") == text => ScalarKind::Float(float),
            _ => ScalarKind::Text,
        }
    }

    fn to_json(&self) -> serde_json::Value {
        match self.kind {
            ScalarKind::Null => serde_json::Value::Null,
            ScalarKind::Boolean(boolean) => boolean.into(),
            ScalarKind::Integer(integer) => integer.into(),
            ScalarKind::Float(float) => float.into(),
            ScalarKind::Text => self.text.clone().into(),
        }
    }
}

impl Node {
    /// The text of a scalar, as written; `None` for lists, maps and nulls.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(Scalar { kind: ScalarKind::Null, .. }) => None,
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&[(Key, Self)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Scalar(Scalar { kind: ScalarKind::Null, .. }))
    }

    /// Whether it is `!unsafe`: data that is never rendered.
    pub fn is_unsafe(&self) -> bool {
        self.tag.as_deref() == Some("unsafe")
    }

    /// What it is called in messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Scalar(scalar) => match scalar.kind {
                ScalarKind::Null => "nothing",
                ScalarKind::Boolean(_) => "a boolean",
                ScalarKind::Integer(_) | ScalarKind::Float(_) => "a number",
                ScalarKind::Text => "text",
            },
        }
    }

    /// The same without places, templates as they stand.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Scalar(scalar) => scalar.to_json(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => serde_json::Value::Object(
                entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect(),
            ),
        }
    }

    /// A node from plain data, all of it at one place.
    pub fn from_json(value: &serde_json::Value, place: &Place) -> Self {
        use serde_json::Value as Json;
        let value = match value {
            Json::Null => Value::Scalar(Scalar::plain("null")),
            Json::Bool(boolean) => {
                Value::Scalar(Scalar { text: boolean.to_string(), kind: ScalarKind::Boolean(*boolean) })
            }
            Json::Number(number) => Value::Scalar(Scalar::plain(&number.to_string())),
            Json::String(text) => Value::Scalar(Scalar::text(text)),
            Json::Array(items) => Value::List(items.iter().map(|item| Self::from_json(item, place)).collect()),
            Json::Object(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, item)| (Key { place: place.clone(), text: key.clone() }, Self::from_json(item, place)))
                    .collect(),
            ),
        };
        Self { place: place.clone(), tag: None, value }
    }

    /// Calls a function with every scalar that may hold a template.
    pub fn each_text<'a>(&'a self, visit: &mut dyn FnMut(&'a Self, &'a str)) {
        if self.is_unsafe() {
            return;
        }
        match &self.value {
            Value::Scalar(scalar) => visit(self, &scalar.text),
            Value::List(items) => items.iter().for_each(|item| item.each_text(visit)),
            Value::Map(entries) => entries.iter().for_each(|(_, item)| item.each_text(visit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_keeps_what_was_written() {
        let kinds = |text: &str| Scalar::plain(text).kind;
        assert_eq!(kinds("0644"), ScalarKind::Text);
        assert_eq!(kinds("12:30"), ScalarKind::Text);
        assert_eq!(kinds("1.30"), ScalarKind::Text);
        assert_eq!(kinds("1.5"), ScalarKind::Float(1.5));
        assert_eq!(kinds("-7"), ScalarKind::Integer(-7));
        assert_eq!(kinds("+7"), ScalarKind::Text);
        assert_eq!(kinds("inf"), ScalarKind::Text);
        assert_eq!(kinds("no"), ScalarKind::Boolean(false));
        assert_eq!(Scalar::plain("no").text, "no");
    }
}
