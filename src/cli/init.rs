//! `seedbed init`.

use std::path::{Path, PathBuf};

use clap::Args;
use engine::failure::Failure;

use super::{Ending, say};
use crate::starter::Starter;

/// Write a spec and a GitOps repository to start from
///
/// The repository has tiers for infrastructure and applications, a HelmRelease, and a first commit.
/// Nothing that exists is overwritten.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed init demo && cd demo && seedbed up
  seedbed init --name staging
  seedbed init lab --starter full")]
pub struct Init {
    /// Where to write; made if it is missing
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,

    /// The cluster's name; the directory's where none is given
    #[arg(long)]
    name: Option<String>,

    /// What to start from
    #[arg(long, value_enum, default_value = "minimal")]
    starter: Starter,
}

impl Init {
    pub fn run(&self) -> Ending {
        let one = |failure| vec![failure];
        let name = match &self.name {
            Some(name) => name.clone(),
            None => name_of(&self.directory).map_err(one)?,
        };
        let files =
            super::run::wait(crate::starter::init(&self.directory, &name, self.starter)).map_err(one)?.map_err(one)?;
        for file in &files {
            say(&format!("wrote {}\n", file.display()));
        }
        let inside = if self.directory == Path::new(".") { "" } else { "cd there, then " };
        say(&format!("next: {inside}`seedbed validate` and `seedbed up`\n"));
        Ok(0)
    }
}

/// A directory's name as a cluster's: a DNS label.
fn name_of(directory: &Path) -> Result<String, Failure> {
    let whole = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let name = whole.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let label: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let label = label.trim_matches('-');
    if label.is_empty() {
        return Err(Failure::new(engine::failure::Kind::Usage, "the directory's name makes no cluster name")
            .hint("name the cluster: `seedbed init --name NAME`"));
    }
    // Names of domains and networks derive from it, and have limits of their own.
    Ok(label.chars().take(30).collect::<String>().trim_end_matches('-').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_names_the_cluster() {
        assert_eq!(name_of(Path::new("/tmp/My Cluster_1")).unwrap(), "my-cluster-1");
        assert_eq!(name_of(Path::new("/tmp/___")).unwrap_err().kind, engine::failure::Kind::Usage);
    }
}
