//! Brings commits that were made in the cluster back to the user's source.

use std::path::{Path, PathBuf};

use engine::event::Step;
use engine::failure::{Failure, Result};

use super::incoming::Incoming;
use super::keep::{keep, keep_bundle, unheld};
use super::seed::{changes, checked_out};
use super::{Git, Remote, Source, tree};

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
    /// There were none.
    Nothing,
    /// The user's branch was moved forward to them.
    Merged { commit: String, count: usize },
    /// The user's branch could not simply move, or they were of another: they are kept under this reference.
    Kept { commit: String, count: usize, reference: String, why: String, settled: bool },
    /// The source is a plain directory: its files were brought up to date, and the history is in a bundle if the
    /// cluster is to go.
    Files { commit: String, count: usize, bundle: Option<PathBuf> },
    /// The plain directory was changed since, or there is no source: the history is in a bundle.
    Bundled { bundle: PathBuf, why: String, settled: bool },
}

impl FetchedBack {
    /// Tells people what became of them; answers whether anything was altered.
    pub fn tell(&self, source: &Path, step: &Step) -> bool {
        let source = source.display();
        match self {
            Self::Nothing => return false,
            Self::Merged { count, .. } => {
                step.note(format!("{count} commits made in the cluster are in {source} now"));
            }
            Self::Kept { count, reference, why, .. } => step.warn(format!(
                "{count} commits made in the cluster are kept under {reference} in {source}, not on its branch: {why}"
            )),
            Self::Files { count, bundle, .. } => {
                let history = bundle.as_ref().map(|bundle| format!("; their history is in {}", bundle.display()));
                step.note(format!(
                    "the files of {count} commits made in the cluster are in {source} now{}",
                    history.unwrap_or_default()
                ));
            }
            Self::Bundled { bundle, why, .. } => {
                step.warn(format!("commits made in the cluster are kept in {}: {why}", bundle.display()));
            }
        }
        true
    }

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
    let mut fetched = fetched?;
    fetched.retain(|fetched| *fetched != FetchedBack::Nothing);
    Ok(fetched)
}

/// Brings the branch of a cluster that goes on into the user's source; what cannot just move is kept aside.
///
/// `directory` is where a bundle is kept, if it comes to that.
pub async fn pull(source: &Source, remote: &Remote, directory: &Path) -> Result<FetchedBack> {
    let git = source.git();
    let Some(tip) = remote.fetch(git).await? else { return Ok(FetchedBack::Nothing) };
    let (files, git) = match source {
        Source::Repository { git } => return into_branch(git, &remote.cluster, &remote.branch, &tip).await,
        Source::Directory { files, git } => (files, git),
    };
    let base = remote.base(git, &tip).await?;
    if base.as_deref() == Some(tip.as_str()) {
        return Ok(FetchedBack::Nothing);
    }
    if let Some(count) = into_files(files, git, base.as_deref(), &tip).await? {
        git.run(&["update-ref", &remote.taken(), &tip]).await?;
        return Ok(FetchedBack::Files { commit: tip, count, bundle: None });
    }
    let scratch =
        tempfile::tempdir().map_err(|error| Failure::other("cannot make a temporary directory").because(&error))?;
    let bundle = scratch.path().join("bundle");
    write_bundle(git, remote, &bundle).await?;
    let (bundle, _) = keep_bundle(&bundle, directory, &format!("{}-commits", remote.cluster), &tip).await?;
    Ok(FetchedBack::Bundled { bundle, why: changed(files), settled: false })
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
        fetched.push(into_branch(git, received.cluster, received.branch, tip).await?);
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
async fn into_branch(git: &Git, cluster: &str, name: &str, tip: &str) -> Result<FetchedBack> {
    let branch = format!("refs/heads/{name}");
    let aside = async |count: usize, why: String| {
        let (reference, _) = keep(git, cluster, name, tip).await?;
        Ok(FetchedBack::Kept { commit: tip.to_owned(), count, reference, why, settled: false })
    };
    let Some(head) = git.commit(&branch).await? else {
        let why = format!("the repository has no branch {name} any more");
        return aside(count(git, tip).await?, why).await;
    };
    if git.contains(&head, tip).await? {
        return Ok(FetchedBack::Nothing);
    }
    let range = format!("{head}..{tip}");
    let count = count(git, &range).await?;
    if !git.contains(tip, &head).await? {
        // Earlier states of the user's own working tree are no loss.
        if tree::only_ours_since(git, &head, tip).await? {
            return Ok(FetchedBack::Nothing);
        }
        return aside(count, "it has commits that the cluster has not".to_owned()).await;
    }
    if checked_out(git).await?.as_deref() == Some(name) {
        if !changes(git).await?.is_empty() {
            return aside(count, "its working tree has changes that are not committed".to_owned()).await;
        }
        git.run(&["merge", "--ff-only", "--quiet", tip]).await?;
    } else {
        // The old value makes it a compare and swap.
        git.run(&["update-ref", "-m", "seedbed: commits from the cluster", &branch, tip, &head]).await?;
    }
    Ok(FetchedBack::Merged { commit: tip.to_owned(), count })
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
        match into_files(files, git, seeded.as_deref(), tip).await? {
            Some(count) => {
                let bundle = Some(bundle.clone());
                fetched.push(FetchedBack::Files { commit: tip.clone(), count, bundle });
            }
            None => {
                fetched.push(FetchedBack::Bundled { bundle: bundle.clone(), why: changed(files), settled: false });
            }
        }
    }
    if !others.is_empty() {
        let why = format!("they are not of the spec's branch, {}", received.branch);
        fetched.push(FetchedBack::Bundled { bundle, why, settled: !new });
    }
    Ok(fetched)
}

/// Brings files up to a tip, if they are still as at a commit since `base`; answers the number of commits then.
async fn into_files(files: &Path, git: &Git, base: Option<&str>, tip: &str) -> Result<Option<usize>> {
    let range = base.map_or_else(|| tip.to_owned(), |base| format!("{base}..{tip}"));
    let now = tree::of_files(git, files, None).await?;
    let mut known = git.run(&["log", "--format=%T", &range]).await?;
    if let Some(base) = base {
        known = format!("{known}\n{}", git.tree(base).await?);
    }
    if !known.lines().any(|known| known == now) {
        return Ok(None);
    }
    update_files(git, files, &now, tip).await?;
    count(git, &range).await.map(Some)
}

fn changed(files: &Path) -> String {
    format!("{} was changed since it was seeded", files.display())
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

/// Writes the history that a local repository has of the remote branch.
async fn write_bundle(git: &Git, remote: &Remote, bundle: &Path) -> Result<()> {
    let branch = format!("refs/heads/{}", remote.branch);
    git.run(&["update-ref", &branch, &remote.reference()]).await?;
    git.run(&["symbolic-ref", "HEAD", &branch]).await?;
    git.run(&["bundle", "create", "--quiet", &bundle.to_string_lossy(), "HEAD", &branch]).await?;
    Ok(())
}

async fn count(git: &Git, range: &str) -> Result<usize> {
    Ok(git.run(&["rev-list", "--count", range]).await?.parse().unwrap_or(0))
}
