//! `seedbed schema`.

use clap::Args;

use super::put;

/// Print the JSON schema of the spec, as in `seedbed.schema.json`
#[derive(Debug, Args)]
pub struct Schema {}

impl Schema {
    pub fn run() {
        put(&format!("{:#}\n", crate::spec::schema()));
    }
}
