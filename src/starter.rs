//! What `init` writes: a spec and a repository that people keep.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use engine::failure::{Failure, Result};

use crate::githost::Git;
use crate::plan;

/// The name of the cluster in the embedded files, replaced by the user's.
const NAME: &str = "quickstart";
/// The start of the addresses in the embedded files, replaced by that of the range that the cluster gets.
const ADDRESSES: &str = "10.200.0.";
/// The folder that becomes a Git repository.
const REPOSITORY: &str = "gitops";
/// What `full` takes from `minimal`.
const SHARED: [&str; 2] = ["gitops/charts/", "gitops/.gitignore"];

include!(concat!(env!("OUT_DIR"), "/starters.rs"));

/// What there is to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Starter {
    /// A sample application, namespaces and quotas: all of it runs on what seedbed brings
    Minimal,
    /// Also a load balancer, Istio with a canary, monitoring, certificates, storage, a dashboard and more, from the internet
    Full,
}

impl Starter {
    /// The embedded files, by their path in the new directory.
    fn files(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let own = match self {
            Self::Minimal => "starters/minimal/",
            Self::Full => "starters/full/",
        };
        STARTERS.iter().filter_map(move |(path, bytes)| {
            let shared =
                || path.strip_prefix("starters/minimal/").filter(|path| SHARED.iter().any(|one| path.starts_with(one)));
            let path = path.strip_prefix(own).or_else(shared)?;
            Some((path, std::str::from_utf8(bytes).ok()?))
        })
    }
}

/// Writes a spec and a repository with a first commit; answers the files.
///
/// `name` is the cluster's. Nothing that exists is overwritten: then nothing is written at all.
pub async fn init(directory: &Path, name: &str, starter: Starter) -> Result<Vec<PathBuf>> {
    let files: Vec<(PathBuf, String)> =
        starter.files().map(|(path, text)| (directory.join(named(path, name)), named(text, name))).collect();
    let taken = std::iter::once(directory.join(REPOSITORY).join(".git")).chain(files.iter().map(|file| file.0.clone()));
    if let Some(taken) = taken.into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(Failure::refused(format!("{} exists already, and nothing is overwritten", taken.display()))
            .hint("Name another directory: seedbed init DIR."));
    }
    for (path, text) in &files {
        let failed = |error: &std::io::Error| Failure::other(format!("cannot write {}", path.display())).because(error);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| failed(&error))?;
        }
        std::fs::write(path, text).map_err(|error| failed(&error))?;
    }
    commit(&directory.join(REPOSITORY), name).await?;
    Ok(files.into_iter().map(|file| file.0).collect())
}

fn named(text: &str, name: &str) -> String {
    let range = plan::usual_range(name).to_string();
    let addresses = range.trim_end_matches("0/24");
    text.replace(ADDRESSES, addresses).replace(NAME, name)
}

async fn commit(repository: &Path, name: &str) -> Result<()> {
    let mut git = Git::at(repository);
    git.run(&["init", "--quiet", "--initial-branch=main"]).await?;
    git.run(&["add", "--all"]).await?;
    // The commit is the user's where git knows who that is.
    if !git.asks(&["config", "--get", "user.email"]).await? {
        for who in ["AUTHOR", "COMMITTER"] {
            git = git.environment(format!("GIT_{who}_NAME"), "seedbed");
            git = git.environment(format!("GIT_{who}_EMAIL"), "seedbed@localhost");
        }
    }
    git.run(&["commit", "--quiet", "-m", &format!("Start {name}")]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_writes_a_repository_with_one_commit_and_overwrites_nothing() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("demo");
        let files = init(&directory, "demo", Starter::Minimal).await.unwrap();
        assert!(files.contains(&directory.join("gitops/.gitignore")), "{files:?}");
        let git = Git::at(directory.join("gitops"));
        assert_eq!(git.run(&["rev-list", "--count", "main"]).await.unwrap(), "1");
        assert_eq!(git.run(&["status", "--porcelain"]).await.unwrap(), "");
        let spec = std::fs::read_to_string(directory.join("seedbed.yaml")).unwrap();
        assert!(spec.contains("cluster: demo") && spec.contains("path: clusters/demo"), "{spec}");
        assert!(directory.join("gitops/clusters/demo/apps.yaml").exists());
        let failure = init(&directory, "demo", Starter::Minimal).await.unwrap_err();
        assert_eq!(failure.kind, engine::failure::Kind::Refused);
    }
}
