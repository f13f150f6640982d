//! `seedbed status`.

use clap::Args;
use engine::failure::Kind;
use serde_json::{Value, json};

use super::output::Output;
use super::spec_argument::Spec;
use super::{Ending, Global, put};
use crate::report::{Paint, summary, summary_data};
use crate::state::State;

/// Show machines, nodes and every Flux object; the exit code says healthy or not
///
/// Alters nothing. Ends with where the time of the last run went: by phase, and along the critical path.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed status
  seedbed status -o json | jq -r '.objects[] | select(.ready | not)'
  until seedbed status >/dev/null; do sleep 10; done

Exit codes: 0 healthy, 3 the spec is wrong, 5 a machine or node is not well, 6 the repository is not Ready.")]
pub struct Status {
    #[command(flatten)]
    spec: Spec,

    /// What is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

impl Status {
    pub fn run(&self, global: &Global) -> Ending {
        let one = |failure| vec![failure];
        let cluster = self.spec.load_alone()?;
        let state = State::of(&cluster);
        let status = super::run::wait(crate::status::status(&cluster, &state)).map_err(one)?.map_err(one)?;
        let paint = Paint::for_stdout(global.color);
        match self.output {
            Output::Text => {
                put(&crate::status::text(&status, paint));
                if let Some(tree) = super::run::last(&state) {
                    put(&format!("{}\n{}", paint.bold("the last run"), summary(&tree, paint)));
                }
            }
            Output::Json => {
                let mut data = json!(status);
                data["lastRun"] = super::run::last(&state).map_or(Value::Null, |tree| summary_data(&tree));
                put(&format!("{data:#}\n"));
            }
        }
        let nodes_ready = status.nodes.len() == cluster.nodes.len() && status.nodes.iter().all(|node| node.ready);
        Ok(match (status.healthy, nodes_ready) {
            (true, _) => 0,
            (false, true) => crate::error::code(Kind::NotReady),
            (false, false) => crate::error::code(Kind::Step),
        })
    }
}
