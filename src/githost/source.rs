//! What is seeded: a Git repository or a plain directory.

use std::path::{Path, PathBuf};

use engine::failure::{Failure, Result};

use super::seed::{branch_head, checked_out, short};
use super::{Git, tree};

/// The user's source, and the local repository that has its commits.
#[derive(Clone, Debug)]
pub enum Source {
    /// The user's own repository.
    Repository { git: Git },
    /// A directory that is no repository's root; its commits are kept in a bare repository of ours.
    Directory { files: PathBuf, git: Git },
}

impl Source {
    /// Looks at a directory. `store` is where the bare repository of a plain directory lies.
    pub async fn open(path: &Path, store: &Path) -> Result<Self> {
        let path = path.canonicalize().map_err(|error| {
            Failure::invalid(format!("the gitops source {} cannot be read", path.display()))
                .because(&error)
                .hint("Set gitops.source to a directory or a Git repository.")
        })?;
        let git = Git::at(&path);
        if is_repository(&git, &path).await? {
            return Ok(Self::Repository { git });
        }
        if !store.join("HEAD").exists() {
            let failed =
                |error: &std::io::Error| Failure::other(format!("cannot make {}", store.display())).because(error);
            std::fs::create_dir_all(store).map_err(|error| failed(&error))?;
            // Not from the user's templates, which may hold hooks.
            Git::at(store).run(&["init", "--quiet", "--bare", "--template=", "--initial-branch=main", "."]).await?;
        }
        Ok(Self::Directory { files: path, git: Git::at(store) })
    }

    /// The tree of what lies there, committed or not, and what it is; of a branch that is not checked out, its tip's.
    pub async fn working_tree(&self, branch: &str) -> Result<(String, String)> {
        let git = match self {
            Self::Directory { files, git } => {
                return Ok((tree::of_files(git, files, None).await?, files.display().to_string()));
            }
            Self::Repository { git } => git,
        };
        let head = branch_head(git, branch).await?;
        if checked_out(git).await?.as_deref() != Some(branch) {
            return Ok((git.tree(&head).await?, format!("branch {branch} at {}", short(&head))));
        }
        let tree = tree::of_files(git, git.directory(), Some(&head)).await?;
        let open = if tree == git.tree(&head).await? { "" } else { " with what is not committed" };
        Ok((tree, format!("{branch} at {}{open}", short(&head))))
    }

    /// The local repository that has the commits.
    pub fn git(&self) -> &Git {
        match self {
            Self::Repository { git } | Self::Directory { git, .. } => git,
        }
    }
}

/// Whether a directory is the root of a repository, not merely inside one.
async fn is_repository(git: &Git, path: &Path) -> Result<bool> {
    let output = git.output(&["rev-parse", "--is-bare-repository", "--absolute-git-dir"]).await?;
    if !output.success() {
        let stderr = output.stderr_text();
        if stderr.contains("dubious ownership") {
            return Err(Failure::refused(format!("git refuses the repository {}", path.display()))
                .cause("it belongs to another user")
                .hint(format!("Run git config --global --add safe.directory {}", path.display())));
        }
        return Ok(false);
    }
    let text = output.stdout_text();
    let mut lines = text.lines();
    if lines.next() == Some("true") {
        let git_directory = lines.next().unwrap_or_default();
        return Ok(Path::new(git_directory).canonicalize().is_ok_and(|found| found == path));
    }
    let root = git.run(&["rev-parse", "--show-toplevel"]).await?;
    Ok(Path::new(&root).canonicalize().is_ok_and(|root| root == path))
}
