//! `seedbed plan`.

use clap::Args;
use engine::failure::Failure;

use super::output::Output;
use super::spec_argument::Spec;
use super::{Ending, put};
use crate::assets::Assets;
use crate::identity::Identity;
use crate::plan::{self, Extras, Inputs, PublicIdentity};
use crate::state::State;

/// Show what `up` would make and do; the same answer every time, writes nothing
///
/// Addresses, names, sizes, versions, files in the place of embedded ones, and the phases. Against a cluster
/// that exists, also what was edited since, and what of it needs `rebuild`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed plan
  seedbed plan -o json | jq -r '.nodes[] | \"\\(.name) \\(.address)\"'

Exit codes: 0 it can be made, 3 the spec is wrong, 4 preflight refuses.")]
pub struct Plan {
    #[command(flatten)]
    spec: Spec,

    /// What is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

impl Plan {
    pub fn run(&self) -> Ending {
        let one = |failure| vec![failure];
        let cluster = self.spec.load()?;
        let state = State::of(&cluster);
        let identity = Identity::load(state.directory()).map_err(one)?;
        let identity = identity.map_or_else(PublicIdentity::not_yet, |identity| identity.public());
        let site = super::run::wait(super::validate::site(&cluster, &identity)).map_err(one)?.map_err(one)?;
        let plan = plan::make(&cluster, &site, &identity)?;
        let assets = Assets::beside(&cluster.directory);
        let extras = Extras::read(&cluster, &assets).map_err(one)?;
        let mut changes = Vec::new();
        if let Some(applied) = state.applied().map_err(one)? {
            changes = plan::compare(&applied, &plan);
            changes.extend(plan::compare_inputs(&applied, &Inputs::read(&cluster, &assets).map_err(one)?));
        }
        put(&match self.output {
            Output::Text => {
                let mut text = plan::text(&plan, &extras);
                if !changes.is_empty() {
                    text += "\nedited since the last up\n";
                }
                for change in &changes {
                    let rebuild = if change.needs_rebuild { "  (needs `seedbed rebuild`)" } else { "" };
                    text.extend(["  ", &change.to_string(), rebuild, "\n"]);
                }
                text
            }
            Output::Json => {
                let mut value = serde_json::json!(plan);
                value["extras"] = serde_json::json!(extras);
                value["changes"] = serde_json::json!(changes);
                format!("{value:#}\n")
            }
        });
        match plan::refuse_rebuild(&changes) {
            Some(failure) => Err(vec![failure]),
            None => Ok::<u8, Vec<Failure>>(0),
        }
    }
}
