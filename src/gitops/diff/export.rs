//! The files of the user's source, as Flux would fetch them.

use std::path::Path;

use engine::failure::{Failure, Result};

use crate::githost::{Git, Source};

/// Writes what lies in the source, committed or not, or one of its commits, into a directory; answers its name.
///
/// What `.gitignore` leaves out, the repository would not have either.
pub async fn export(source: &Source, branch: &str, commit: Option<&str>, into: &Path) -> Result<String> {
    let git = source.git();
    let (tree, name) = match commit {
        Some(commit) => {
            let found = git.commit(commit).await?.ok_or_else(|| {
                Failure::invalid(format!("`{commit}` is no commit of the source"))
                    .hint("Name a commit, branch or tag that `git log` knows.")
            })?;
            (git.tree(&found).await?, format!("commit {}", found.get(..12).unwrap_or(&found)))
        }
        None => source.working_tree(branch).await?,
    };
    std::fs::create_dir_all(into)
        .map_err(|error| Failure::other(format!("cannot make {}", into.display())).because(&error))?;
    let index = into.with_extension("index");
    let git = Git::at(into)
        .environment("GIT_DIR", git.run(&["rev-parse", "--absolute-git-dir"]).await?)
        .environment("GIT_WORK_TREE", into)
        .environment("GIT_INDEX_FILE", &index);
    git.run(&["read-tree", &tree]).await?;
    git.run(&["checkout-index", "--all", "--force"]).await?;
    Ok(name)
}
