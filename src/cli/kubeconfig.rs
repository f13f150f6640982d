//! `seedbed kubeconfig`.

use clap::Args;
use engine::failure::Failure;

use super::spec_argument::Spec;
use super::{Ending, put};
use crate::state::State;

/// Print the administrator's kubeconfig, or its path
///
/// It is made on this workstation and kept in `.seedbed/<cluster>/kubeconfig`, which only you may read.
/// `~/.kube/config` is never touched.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  export KUBECONFIG=$(seedbed kubeconfig --path)
  kubectl --kubeconfig <(seedbed kubeconfig) get nodes")]
pub struct Kubeconfig {
    #[command(flatten)]
    spec: Spec,

    /// Print the path of the file
    #[arg(long)]
    path: bool,
}

impl Kubeconfig {
    pub fn run(&self) -> Ending {
        let cluster = self.spec.load_alone()?;
        let file = State::of(&cluster).kubeconfig();
        let text = std::fs::read_to_string(&file).map_err(|error| {
            let failure = Failure::refused(format!("there is no kubeconfig of {} yet", cluster.name));
            let cause = format!("{}: {error}", file.display());
            vec![failure.cause(cause).hint("`seedbed up` makes it")]
        })?;
        if self.path {
            // A path that starts from the spec's directory would be of no use in KUBECONFIG elsewhere.
            let whole = std::path::absolute(&file).unwrap_or(file);
            put(&format!("{}\n", whole.display()));
        } else {
            put(&text);
        }
        Ok(0)
    }
}
