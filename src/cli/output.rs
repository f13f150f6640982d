//! What commands print that answer with data.

use clap::ValueEnum;

/// Text for people, or JSON for programs.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Output {
    Text,
    Json,
}
