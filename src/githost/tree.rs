//! Trees and commits that depend on their content alone.

use std::path::Path;

use engine::failure::{Failure, Result};

use super::Git;

/// Who makes the commits that are not the user's own.
pub const AUTHOR: &str = "seedbed";
/// Marks those commits, so that they are known again without any state.
pub const EMAIL: &str = "seed@seedbed.invalid";
const DATE: &str = "2000-01-01T00:00:00+0000";

/// Writes the tree of a directory's files, honouring .gitignore; the user's index stays as it is.
///
/// `parent` is the commit whose index it starts from.
pub async fn of_files(git: &Git, files: &Path, parent: Option<&str>) -> Result<String> {
    let scratch =
        tempfile::tempdir().map_err(|error| Failure::other("cannot make a temporary directory").because(&error))?;
    let git_directory = git.run(&["rev-parse", "--absolute-git-dir"]).await?;
    let git = Git::at(files)
        .environment("GIT_DIR", git_directory)
        .environment("GIT_WORK_TREE", files)
        .environment("GIT_INDEX_FILE", scratch.path().join("index"));
    if let Some(parent) = parent {
        git.run(&["read-tree", parent]).await?;
    }
    git.run(&["add", "--all", "--", ".", ":(exclude,top).seedbed"]).await?;
    git.run(&["write-tree"]).await
}

/// Makes a commit with our author and a fixed date: the same content and parents give the same commit.
pub async fn commit(git: &Git, tree: &str, parents: &[&str], message: &str) -> Result<String> {
    let mut git = git.clone();
    for who in ["AUTHOR", "COMMITTER"] {
        git = git
            .environment(format!("GIT_{who}_NAME"), AUTHOR)
            .environment(format!("GIT_{who}_EMAIL"), EMAIL)
            .environment(format!("GIT_{who}_DATE"), DATE);
    }
    let mut arguments = vec!["commit-tree", tree, "-m", message];
    for parent in parents {
        arguments.extend(["-p", parent]);
    }
    git.run(&arguments).await
}

/// The newest commit of ours in a history, if there is one.
pub async fn newest_of_ours(git: &Git, tip: &str) -> Result<Option<String>> {
    let author = format!("--author=<{EMAIL}>");
    let found = git.run(&["rev-list", "--max-count=1", "--fixed-strings", &author, tip]).await?;
    Ok((!found.is_empty()).then_some(found))
}

/// Whether every commit of `tip` that `base` lacks is ours.
pub async fn only_ours_since(git: &Git, base: &str, tip: &str) -> Result<bool> {
    let range = format!("{base}..{tip}");
    let emails = git.run(&["log", "--format=%ae", &range]).await?;
    Ok(emails.lines().all(|email| email == EMAIL))
}
