//! What a file of the archive holds, until it is masked.

use serde_json::Value;

/// A file's content. JSON stays apart from text, so that it is still JSON when its strings are masked.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Text(String),
    Json(Value),
    /// JSON Lines.
    Lines(Vec<Value>),
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Value> for Content {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}
