//! Commits a change of one file on top of the remote branch, beside the user's source.

use engine::failure::{Failure, Result};

use super::{Git, Remote, Seeded, Source};

/// Who such a commit is by.
const AUTHOR: [(&str, &str); 4] = [
    ("GIT_AUTHOR_NAME", "seedbed evaluate"),
    ("GIT_AUTHOR_EMAIL", "evaluate@seedbed.invalid"),
    ("GIT_COMMITTER_NAME", "seedbed evaluate"),
    ("GIT_COMMITTER_EMAIL", "evaluate@seedbed.invalid"),
];

/// Edits a file of the remote branch by a commit of its own, which is pushed, never forced.
///
/// The user's branch, index and files stay as they are; the commit can be pulled like any that was made in the cluster.
pub async fn amend(
    source: &Source,
    remote: &Remote,
    file: &str,
    message: &str,
    edit: impl FnOnce(&str) -> Result<String>,
) -> Result<Seeded> {
    let git = source.git();
    let tip = remote.fetch(git).await?.ok_or_else(|| {
        Failure::refused(format!("{} has no branch {}", remote.url, remote.branch)).hint("`seedbed up` seeds it.")
    })?;
    let text = read(git, &tip, file).await?;
    let commit = commit(git, &tip, file, &edit(&text)?, message).await?;
    remote.push(git, &commit).await?;
    Ok(Seeded { tip: commit.clone(), commit, pushed: true })
}

/// A file as a commit has it, with its final newline.
async fn read(git: &Git, commit: &str, file: &str) -> Result<String> {
    let output = git.output(&["cat-file", "blob", &format!("{commit}:{file}")]).await?;
    if output.success() {
        return Ok(output.stdout_text());
    }
    Err(Failure::invalid(format!("{file} is not in the repository"))
        .cause(super::git::last_line(&output.stderr_text()))
        .hint("A file is named from the repository's root, and must be committed and pushed."))
}

/// Makes a commit with one file changed, in an index of its own.
async fn commit(git: &Git, tip: &str, file: &str, text: &str, message: &str) -> Result<String> {
    let failed = |error: std::io::Error| Failure::other("cannot write a temporary file").because(&error);
    let scratch = tempfile::tempdir().map_err(failed)?;
    let content = scratch.path().join("content");
    std::fs::write(&content, text).map_err(failed)?;
    let own = git.clone().environment("GIT_INDEX_FILE", scratch.path().join("index"));
    own.run(&["read-tree", tip]).await?;
    let mode = own.run(&["ls-files", "--stage", "--", file]).await?;
    let mode = mode.split(' ').next().filter(|mode| mode.starts_with("100")).unwrap_or("100644");
    // As it is: neither line endings nor filters are applied.
    let blob = own.run(&["hash-object", "-w", "--no-filters", &content.to_string_lossy()]).await?;
    own.run(&["update-index", "--cacheinfo", &format!("{mode},{blob},{file}")]).await?;
    let tree = own.run(&["write-tree"]).await?;
    let author = AUTHOR.into_iter().fold(own, |git, (name, value)| git.environment(name, value));
    author.run(&["commit-tree", &tree, "-p", tip, "-m", message]).await
}
