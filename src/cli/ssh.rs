//! `seedbed ssh`.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use engine::failure::{Failure, Kind};

use super::Ending;
use super::spec_argument;
use crate::state::State;

/// Open a shell on a node, or run a command there
///
/// Runs the `ssh` of this workstation with the cluster's own key and its planned host keys; your
/// `~/.ssh` is not read, and nothing is trusted on first use.
#[derive(Debug, Args)]
#[command(override_usage = "seedbed ssh [OPTIONS] [SPEC] NODE [-- COMMAND...]")]
#[command(after_help = "\
Examples:
  seedbed ssh cp
  seedbed ssh inventories/dev.yaml worker-1 -- sudo crictl ps

The exit code is ssh's: that of the command, or 255.")]
pub struct Ssh {
    /// A node of the cluster; the spec may be named before it
    #[arg(required = true, num_args = 1..=2, value_name = "NODE")]
    place: Vec<String>,

    /// A command to run instead of a shell
    #[arg(last = true)]
    command: Vec<String>,
}

impl Ssh {
    pub fn run(&self) -> Ending {
        let (spec, node) = match self.place.as_slice() {
            [spec, node] => (spec_argument::of(Path::new(spec)), node),
            [node] => (PathBuf::from("seedbed.yaml"), node),
            _ => return Err(vec![Failure::new(Kind::Usage, "a node is missing")]),
        };
        let cluster = crate::spec::load_alone(spec)?;
        if !cluster.nodes.iter().any(|known| known.name == *node) {
            let names: Vec<&str> = cluster.nodes.iter().map(|node| node.name.as_str()).collect();
            let failure = Failure::invalid(format!("{} has no node `{node}`", cluster.name));
            return Err(vec![failure.hint(format!("its nodes are: {}", names.join(", ")))]);
        }
        let config = State::of(&cluster).ssh().join("config");
        if !config.is_file() {
            let failure = Failure::refused(format!("{} was never up from here", cluster.name));
            let cause = format!("there is no {}", config.display());
            return Err(vec![failure.cause(cause).hint("`seedbed up` makes it")]);
        }
        // Replaces this process, so that signals, the terminal and the exit code are ssh's own.
        let error = Command::new("ssh").arg("-F").arg(config).arg(node).args(&self.command).exec();
        Err(vec![
            Failure::refused("cannot run ssh")
                .because(&error)
                .hint("apt-get install openssh-client; `seedbed doctor` tells what else is missing"),
        ])
    }
}
