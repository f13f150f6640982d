//! Brings commits that were made in the cluster back to the user's source.

use std::path::{Path, PathBuf};

use engine::failure::{Failure, Result};

use super::incoming::Incoming;
use super::keep::{keep, keep_bundle, unheld};
use super::seed::{changes, checked_out};
use super::{Git, Source, tree};

/// A repository of the cluster, as a `git bundle` of everything in it, and what it is to become.
#[derive(Clone, Debug)]
pub struct Received<'a> {
    pub bundle: &'a Path,
    /// The cluster's name.
    pub cluster: &'a str,
    /// The branch that is the user's own in the source.
    pub branch: &'a str,
    /// Where bundles are kept.
    pub directory: &'a Path,
    /// What a kept bundle's name begins with.
    pub name: &'a str,
}

/// What became of the commits that only the cluster had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchedBack {
    /// The user's branch was moved forward to them.
    Merged { commit: String, count: usize },
    /// The user's branch could not simply move, or they were of another: they are kept under this reference.
    Kept { commit: String, count: usize, reference: String, why: String, settled: bool },
    /// The source is a plain directory: its files were brought up to date, and the history is in a bundle.
    Files { commit: String, count: usize, bundle: PathBuf },
    /// The plain directory was changed since, or there is no source: the history is in a bundle.
    Bundled { bundle: PathBuf, why: String, settled: bool },
}

impl FetchedBack {
    /// Whether a cluster that is made anew from the source would lack them, and nobody was told before.
    pub fn aside(&self) -> bool {
        matches!(self, Self::Kept { settled: false, .. } | Self::Bundled { settled: false, .. })
    }
}

/// Keeps every commit of every branch that the user's source lacks, and answers what became of them.
///
/// A checked-out branch moves only by `git merge --ff-only` in a clean tree. For a plain directory the files are
/// updated when they are still as they were seeded, and the commits go into a `git bundle`, which `git clone` reads.
/// Without a source, the bundle is all there is.
pub async fn fetch_back(source: Option<&Source>, received: &Received<'_>) -> Result<Vec<FetchedBack>> {
    let Some(source) = source else { return without_source(received).await };
    let incoming = Incoming::of(source.git(), received).await?;
    let fetched = match source {
        Source::Repository { git } => into_repository(git, received, &incoming).await,
        Source::Directory { files, git } => into_directory(files, git, received, &incoming).await,
    };
    incoming.forget(source.git()).await?;
    fetched
}

async fn without_source(received: &Received<'_>) -> Result<Vec<FetchedBack>> {
    let heads = Git::at(received.directory).run(&["ls-remote", &received.bundle.to_string_lossy()]).await?;
    let Some(tip) = heads.split_whitespace().next() else { return Ok(Vec::new()) };
    let (bundle, new) = keep_bundle(received.bundle, received.directory, received.name, tip).await?;
    let why = "the spec names no source that they could go to".to_owned();
    Ok(vec![FetchedBack::Bundled { bundle, why, settled: !new }])
}

async fn into_repository(git: &Git, received: &Received<'_>, incoming: &Incoming) -> Result<Vec<FetchedBack>> {
    let mut fetched = Vec::new();
    if let Some(tip) = &incoming.tip {
        fetched.extend(into_branch(git, received, tip).await?);
    }
    for (name, object) in &incoming.others {
        let count = unheld(git, object).await?;
        if count > 0 {
            let (reference, new) = keep(git, received.cluster, name, object).await?;
            let why = format!("they are of {name}, and the spec's branch is {}", received.branch);
            fetched.push(FetchedBack::Kept { commit: object.clone(), count, reference, why, settled: !new });
        }
    }
    Ok(fetched)
}

/// Moves the user's branch to the cluster's, or keeps that aside.
async fn into_branch(git: &Git, received: &Received<'_>, tip: &str) -> Result<Option<FetchedBack>> {
    let branch = format!("refs/heads/{}", received.branch);
    let aside = async |count: usize, why: String| {
        let (reference, _) = keep(git, received.cluster, received.branch, tip).await?;
        Ok(Some(FetchedBack::Kept { commit: tip.to_owned(), count, reference, why, settled: false }))
    };
    let Some(head) = git.commit(&branch).await? else {
        let why = format!("the repository has no branch {} any more", received.branch);
        return aside(count(git, tip).await?, why).await;
    };
    if git.contains(&head, tip).await? {
        return Ok(None);
    }
    let range = format!("{head}..{tip}");
    let count = count(git, &range).await?;
    if !git.contains(tip, &head).await? {
        // Earlier states of the user's own working tree are no loss.
        if tree::only_ours_since(git, &head, tip).await? {
            return Ok(None);
        }
        return aside(count, "it has commits that the cluster has not".to_owned()).await;
    }
    if checked_out(git).await?.as_deref() == Some(received.branch) {
        if !changes(git).await?.is_empty() {
            return aside(count, "its working tree has changes that are not committed".to_owned()).await;
        }
        git.run(&["merge", "--ff-only", "--quiet", tip]).await?;
    } else {
        // The old value makes it a compare and swap.
        git.run(&["update-ref", "-m", "seedbed: commits from the cluster", &branch, tip, &head]).await?;
    }
    Ok(Some(FetchedBack::Merged { commit: tip.to_owned(), count }))
}

async fn into_directory(
    files: &Path,
    git: &Git,
    received: &Received<'_>,
    incoming: &Incoming,
) -> Result<Vec<FetchedBack>> {
    let mut seeded = None;
    let mut ahead = false;
    if let Some(tip) = &incoming.tip {
        seeded = tree::newest_of_ours(git, tip).await?;
        ahead = seeded.as_deref() != Some(tip.as_str());
    }
    let others = incoming.others_beyond(git).await?;
    if !ahead && others.is_empty() {
        return Ok(Vec::new());
    }
    let Some(tip) = incoming.tip.as_ref().or(others.first()) else { return Ok(Vec::new()) };
    let (bundle, new) = keep_bundle(received.bundle, received.directory, received.name, tip).await?;
    let mut fetched = Vec::new();
    if ahead {
        let range = seeded.as_ref().map_or_else(|| tip.clone(), |seeded| format!("{seeded}..{tip}"));
        let count = count(git, &range).await?;
        let now = tree::of_files(git, files, None).await?;
        let unchanged = match &seeded {
            Some(seeded) => git.tree(seeded).await? == now,
            None => false,
        };
        // What an earlier run brought is there.
        if unchanged || git.tree(tip).await? == now {
            update_files(git, files, &now, tip).await?;
            fetched.push(FetchedBack::Files { commit: tip.clone(), count, bundle: bundle.clone() });
        } else {
            let why = format!("{} was changed since it was seeded", files.display());
            fetched.push(FetchedBack::Bundled { bundle: bundle.clone(), why, settled: false });
        }
    }
    if !others.is_empty() {
        let why = format!("they are not of the spec's branch, {}", received.branch);
        fetched.push(FetchedBack::Bundled { bundle, why, settled: !new });
    }
    Ok(fetched)
}

/// Takes the files from one tree to another as `git checkout` would: what is not in either is left alone.
async fn update_files(git: &Git, files: &Path, from: &str, to: &str) -> Result<()> {
    let scratch =
        tempfile::tempdir().map_err(|error| Failure::other("cannot make a temporary directory").because(&error))?;
    let worker = Git::at(files)
        .environment("GIT_DIR", git.run(&["rev-parse", "--absolute-git-dir"]).await?)
        .environment("GIT_WORK_TREE", files)
        .environment("GIT_INDEX_FILE", scratch.path().join("index"));
    worker.run(&["read-tree", from]).await?;
    worker.output(&["update-index", "-q", "--refresh"]).await?;
    worker.run(&["read-tree", "-m", "-u", from, to]).await?;
    Ok(())
}

async fn count(git: &Git, range: &str) -> Result<usize> {
    Ok(git.run(&["rev-list", "--count", range]).await?.parse().unwrap_or(0))
}
