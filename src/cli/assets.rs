//! `seedbed assets`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use engine::failure::Failure;

use super::{Ending, put, say};

/// List, copy or compare the embedded playbooks, templates and images
///
/// A file of the same name beside the spec stands in for the embedded one: `templates/x` beside
/// `seedbed.yaml` for `embedded:templates/x`. `copy` gives you one to start from.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed assets list
  seedbed assets copy playbooks/node.yaml     then edit it
  seedbed assets diff                         what yours change")]
pub struct Assets {
    /// Where the overriding folders lie: the spec's directory
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    directory: PathBuf,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the embedded files, and what overrides them
    List,
    /// Copy embedded files to where they override; never replaces a file
    Copy {
        /// Names as `list` shows them
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Show how the overriding files differ
    Diff {
        /// Names as `list` shows them; all where none is given
        names: Vec<String>,
    },
}

impl Assets {
    pub fn run(&self) -> Ending {
        let assets = crate::assets::Assets::beside(&self.directory);
        match &self.action {
            Action::List => put(&list(&assets)),
            Action::Copy { names } => {
                for path in assets.copy(names)? {
                    say(&format!("wrote {}\n", path.display()));
                }
            }
            Action::Diff { names } => put(&assets.diff(names).map_err(|failure: Failure| vec![failure])?),
        }
        Ok(0)
    }
}

fn list(assets: &crate::assets::Assets) -> String {
    let overrides = assets.overrides();
    let by = |name: &str| {
        let path = overrides.iter().find(|(overridden, _)| *overridden == name).map(|(_, path)| path.display());
        path.map(|path| format!("  overridden by {path}")).unwrap_or_default()
    };
    assets.list().iter().flat_map(|listed| [listed.name.to_owned(), by(listed.name), "\n".to_owned()]).collect()
}
