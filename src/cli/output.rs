//! What commands print that answer with data.

use clap::ValueEnum;
use serde::Serialize;

/// Text for people, or JSON for programs.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Output {
    Text,
    Json,
}

impl Output {
    /// Data in this form.
    pub fn of<T: Serialize + ?Sized>(self, data: &T, text: impl FnOnce(&T) -> String) -> String {
        match self {
            Self::Text => text(data),
            Self::Json => format!("{:#}\n", serde_json::json!(data)),
        }
    }
}
