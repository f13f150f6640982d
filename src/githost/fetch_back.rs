//! Brings commits that were made in the cluster back to the user's source.

use std::path::{Path, PathBuf};

use engine::event::Step;
use engine::failure::{Failure, Result};

use super::seed::{changes, checked_out};
use super::{Git, Remote, Source, tree};

/// What became of the commits that only the cluster had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchedBack {
    /// There were none.
    Nothing,
    /// The user's branch was moved forward to them.
    Merged { commit: String, count: usize },
    /// The user's branch could not simply move: they are kept under this reference.
    Kept { commit: String, count: usize, reference: String, why: String },
    /// The source is a plain directory: its files were brought up to date, and the history is in a bundle.
    Files { commit: String, count: usize, bundle: PathBuf },
    /// The plain directory was changed since: its files stay, and the history is in a bundle.
    Bundled { commit: String, count: usize, bundle: PathBuf },
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
            Self::Files { count, bundle, .. } => step.note(format!(
                "the files of {count} commits made in the cluster are in {source} now; their history is in {}",
                bundle.display()
            )),
            Self::Bundled { count, bundle, .. } => step.warn(format!(
                "{count} commits made in the cluster are in {}: {source} was changed since it was seeded",
                bundle.display()
            )),
        }
        true
    }
}

/// Fetches the remote branch and keeps every commit of it that the user's source lacks.
///
/// A checked-out branch moves only by `git merge --ff-only` in a clean tree. For a plain directory the files are
/// updated when they are still as they were seeded, and the commits go to `bundle` (a `git bundle`, which
/// `git clone` reads).
pub async fn fetch_back(source: &Source, remote: &Remote, bundle: &Path) -> Result<FetchedBack> {
    let git = source.git();
    let Some(tip) = remote.fetch(git).await? else { return Ok(FetchedBack::Nothing) };
    match source {
        Source::Repository { git } => into_repository(git, remote, tip).await,
        Source::Directory { files, git } => into_directory(files, git, remote, tip, bundle).await,
    }
}

async fn into_repository(git: &Git, remote: &Remote, tip: String) -> Result<FetchedBack> {
    let branch = format!("refs/heads/{}", remote.branch);
    let reference = remote.reference();
    let Some(head) = git.commit(&branch).await? else {
        let count = count(git, &tip).await?;
        let why = format!("the repository has no branch {} any more", remote.branch);
        return Ok(FetchedBack::Kept { commit: tip, count, reference, why });
    };
    if git.contains(&head, &tip).await? {
        return Ok(FetchedBack::Nothing);
    }
    let range = format!("{head}..{tip}");
    let count = count(git, &range).await?;
    let foreign = !tree::only_ours_since(git, &head, &tip).await?;
    if !git.contains(&tip, &head).await? {
        let why = "it has commits that the cluster has not".to_owned();
        // Earlier states of the user's own working tree are no loss.
        return Ok(if foreign {
            FetchedBack::Kept { commit: tip, count, reference, why }
        } else {
            FetchedBack::Nothing
        });
    }
    if checked_out(git).await?.as_deref() == Some(remote.branch.as_str()) {
        if !changes(git).await?.is_empty() {
            let why = "its working tree has changes that are not committed".to_owned();
            return Ok(FetchedBack::Kept { commit: tip, count, reference, why });
        }
        git.run(&["merge", "--ff-only", "--quiet", &tip]).await?;
    } else {
        // The old value makes it a compare and swap.
        git.run(&["update-ref", "-m", "seedbed: commits from the cluster", &branch, &tip, &head]).await?;
    }
    Ok(FetchedBack::Merged { commit: tip, count })
}

async fn into_directory(files: &Path, git: &Git, remote: &Remote, tip: String, bundle: &Path) -> Result<FetchedBack> {
    let seeded = remote.base(git, &tip).await?;
    if seeded.as_deref() == Some(tip.as_str()) {
        return Ok(FetchedBack::Nothing);
    }
    let range = seeded.as_ref().map_or_else(|| tip.clone(), |seeded| format!("{seeded}..{tip}"));
    let count = count(git, &range).await?;
    write_bundle(git, remote, bundle).await?;
    let bundle = bundle.to_path_buf();
    let now = tree::of_files(git, files, None).await?;
    let unchanged = match &seeded {
        Some(seeded) => git.tree(seeded).await? == now,
        None => false,
    };
    if !unchanged {
        return Ok(FetchedBack::Bundled { commit: tip, count, bundle });
    }
    update_files(git, files, &now, &tip).await?;
    git.run(&["update-ref", &remote.taken(), &tip]).await?;
    Ok(FetchedBack::Files { commit: tip, count, bundle })
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
