//! Reads typed values from a YAML tree and goes on after a mistake.

use engine::failure::Failure;
use schemars::JsonSchema;

use super::problems::{MaybeHint as _, Problems, did_you_mean};
use super::tree::{Meaning, Node, Span, Value};

/// A type that the spec can hold. Mistakes go to `problems`; `None` says that there was one.
pub trait Read: Sized {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self>;
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    pub value: T,
    pub span: Span,
}

impl<T> std::ops::Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Read> Read for Placed<T> {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        Some(Self { value: T::read(node, problems)?, span: node.span })
    }
}

/// A place is no part of the format.
impl<T: JsonSchema> JsonSchema for Placed<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

/// Reports a value of the wrong type.
pub fn wrong_type(node: &Node, wanted: &str, problems: &mut Problems<'_>) {
    problems.at(node.span, Failure::invalid(format!("expected {wanted}, found {}", node.described())));
}

impl Read for String {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        match (&node.value, node.meaning()) {
            (Value::Scalar { text, .. }, Meaning::Text) => Some(text.clone()),
            (Value::Scalar { text, .. }, Meaning::Integer(_) | Meaning::Float(_) | Meaning::Boolean(_)) => {
                let what = format!("expected a text, found {}", node.described());
                problems.at(node.span, Failure::invalid(what).hint(format!("Quote it: \"{text}\".")));
                None
            }
            _ => {
                wrong_type(node, "a text", problems);
                None
            }
        }
    }
}

/// Reads a whole number of a range.
pub fn number(node: &Node, least: i64, most: i64, problems: &mut Problems<'_>) -> Option<i64> {
    match node.meaning() {
        Meaning::Integer(value) if (least..=most).contains(&value) => Some(value),
        _ => {
            wrong_type(node, &format!("a whole number from {least} to {most}"), problems);
            None
        }
    }
}

impl Read for u32 {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        number(node, 1, 1024, problems).and_then(|value| value.try_into().ok())
    }
}

impl Read for u16 {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        number(node, 1, 65_535, problems).and_then(|value| value.try_into().ok())
    }
}

/// A number, whole or not.
#[derive(Clone, Copy, Debug, JsonSchema)]
pub struct Number(pub f64);

impl Read for Number {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        match (&node.value, node.meaning()) {
            (_, Meaning::Float(value)) => Some(Self(value)),
            // Every whole number that anyone compares with is exact.
            (Value::Scalar { text, .. }, Meaning::Integer(_)) => text.replace('_', "").parse().ok().map(Self),
            _ => {
                wrong_type(node, "a number", problems);
                None
            }
        }
    }
}

impl<T: Read> Read for Vec<T> {
    /// Reads every item, so that each mistake is found.
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Sequence(items) = &node.value else {
            wrong_type(node, "a list", problems);
            return None;
        };
        Some(items.iter().filter_map(|item| T::read(item, problems)).collect())
    }
}

/// A mapping from free names, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Named<T>(pub Vec<(Placed<String>, Placed<T>)>);

impl<T: Read> Read for Named<T> {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let mut named = Vec::new();
        for (key, value) in mapping(node, problems)? {
            if let (Some(name), Some(value)) = (key.text(), Placed::read(value, problems)) {
                named.push((Placed { value: name.to_owned(), span: key.span }, value));
            }
        }
        Some(Self(named))
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Named_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        std::collections::BTreeMap::<String, T>::json_schema(generator)
    }
}

/// A value that goes elsewhere as it is.
pub type Free = serde_json::Value;

impl Read for Free {
    fn read(node: &Node, _: &mut Problems<'_>) -> Option<Self> {
        Some(node.json())
    }
}

/// The entries of a mapping, each key once.
pub fn mapping<'n>(node: &'n Node, problems: &mut Problems<'_>) -> Option<Vec<&'n (Node, Node)>> {
    let Value::Mapping(entries) = &node.value else {
        wrong_type(node, "a mapping", problems);
        return None;
    };
    let mut seen: Vec<&str> = Vec::new();
    let mut kept = Vec::new();
    for entry in entries {
        let Some(name) = entry.0.text() else {
            wrong_type(&entry.0, "a key", problems);
            continue;
        };
        if seen.contains(&name) {
            problems.at(entry.0.span, Failure::invalid(format!("the key `{name}` is here twice")));
            continue;
        }
        seen.push(name);
        kept.push(entry);
    }
    Some(kept)
}

/// Reports a key that a mapping does not have.
pub fn unknown_key(key: &Node, known: &[String], problems: &mut Problems<'_>) {
    let name = key.text().unwrap_or_default();
    let failure = Failure::invalid(format!("unknown key `{name}`"));
    problems.at(key.span, failure.maybe_hint(did_you_mean(name, known.iter().map(String::as_str))));
}

/// Reports a word that is none of the possible ones.
pub fn unknown_word(node: &Node, known: &[&str], problems: &mut Problems<'_>) {
    let failure = Failure::invalid(format!("expected {}, found {}", known.join(" or "), node.described()));
    let near = node.text().and_then(|word| did_you_mean(word, known.iter().copied()));
    problems.at(node.span, failure.maybe_hint(near.filter(|hint| hint.starts_with("Did"))));
}

/// `authorized_keys` as `authorizedKeys`.
pub fn camel_case(field: &str) -> String {
    // `type` is a word of Rust, too.
    let mut words = field.trim_start_matches("r#").split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let head: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        name + &head + letters.as_str()
    })
}

/// Defines a mapping of the spec: every field optional and placed, unknown keys reported, a schema derived.
macro_rules! record {
    ($(#[$attribute:meta])* $name:ident { $($(#[$field_attribute:meta])* $field:ident: $kind:ty,)+ }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, Default, schemars::JsonSchema)]
        #[schemars(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_attribute])* pub $field: Option<$crate::spec::read::Placed<$kind>>,)+
            /// The keys that are there, also those whose values are wrong.
            #[schemars(skip)]
            pub given: Vec<String>,
        }

        impl $crate::spec::read::Read for $name {
            fn read(
                node: &$crate::spec::tree::Node,
                problems: &mut $crate::spec::problems::Problems<'_>,
            ) -> Option<Self> {
                let mut record = Self::default();
                let known = [$($crate::spec::read::camel_case(stringify!($field))),+];
                for (key, value) in $crate::spec::read::mapping(node, problems)? {
                    let name = key.text().unwrap_or_default();
                    $(if name == $crate::spec::read::camel_case(stringify!($field)) {
                        // A key without a value is as if it were not there.
                        if !value.is_null() {
                            record.given.push(name.to_owned());
                            record.$field = $crate::spec::read::Read::read(value, problems);
                        }
                        continue;
                    })+
                    $crate::spec::read::unknown_key(key, &known, problems);
                }
                Some(record)
            }
        }
    };
}

/// Defines a closed set of words.
macro_rules! words {
    ($(#[$attribute:meta])* $name:ident { $($(#[$word_attribute:meta])* $variant:ident = $word:literal => $value:expr,)+ } -> $target:ty) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema)]
        pub enum $name {
            $($(#[$word_attribute])* #[schemars(rename = $word)] $variant,)+
        }

        impl $crate::spec::read::Read for $name {
            fn read(
                node: &$crate::spec::tree::Node,
                problems: &mut $crate::spec::problems::Problems<'_>,
            ) -> Option<Self> {
                match node.text() {
                    $(Some($word) => return Some(Self::$variant),)+
                    _ => $crate::spec::read::unknown_word(node, &[$($word),+], problems),
                }
                None
            }
        }

        impl From<$name> for $target {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$variant => $value,)+
                }
            }
        }
    };
}

pub(crate) use {record, words};
