//! A commit beside every branch: with a history of its own, and a tag to read it by.

use engine::failure::{Failure, Result};
use tempfile::TempDir;

use super::seed::short;
use super::{Git, Remote, tree};

/// Files in a commit without parents, and the tag that it is pushed as.
///
/// The same files give the same commit, and the tag is named by it: what a run left that was killed is found by the
/// next one. It is a tag, as the embedded Git host lets nobody delete a branch, and Flux clones branches and tags only.
pub struct Aside<'a> {
    remote: &'a Remote,
    git: Git,
    commit: String,
    tag: String,
    _scratch: TempDir,
}

impl<'a> Aside<'a> {
    /// Makes the commit in a repository that goes with it: the user's own does not get it.
    pub async fn make(remote: &'a Remote, name: &str, files: &[(&str, &str)], message: &str) -> Result<Self> {
        let failed = |error: std::io::Error| Failure::other("cannot write a temporary file").because(&error);
        let scratch = tempfile::tempdir().map_err(failed)?;
        let (work, store) = (scratch.path().join("files"), scratch.path().join("store"));
        std::fs::create_dir(&store).map_err(failed)?;
        for (path, text) in files {
            let path = work.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&work)).map_err(failed)?;
            std::fs::write(path, text).map_err(failed)?;
        }
        let git = Git::at(store);
        git.run(&["init", "--quiet", "--bare", "--template=", "."]).await?;
        let tree = tree::of_files(&git, &work, None).await?;
        let commit = tree::commit(&git, &tree, &[], message).await?;
        let tag = format!("{name}-{}", short(&commit));
        Ok(Self { remote, git, commit, tag, _scratch: scratch })
    }

    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Pushes the tag; one that is there already is left as it is.
    pub async fn push(&self) -> Result<()> {
        self.remote.send(&self.git, &[], &format!("{}:{}", self.commit, self.reference())).await
    }

    /// Deletes the tag where it is there, and only while it is this commit.
    pub async fn remove(&self) -> Result<()> {
        let reference = self.reference();
        match self.remote.at(&self.git, &reference).await? {
            None => Ok(()),
            Some(there) if there == self.commit => {
                // The host compares once more: another hand may be faster.
                let lease = format!("--force-with-lease={reference}:{there}");
                self.remote.send(&self.git, &[&lease], &format!(":{reference}")).await
            }
            Some(there) => Err(Failure::refused(format!("the tag {} of {} stays", self.tag, self.remote.url))
                .cause(format!("it is at {there}, and {} was pushed", self.commit))
                .hint("Somebody moved it: look at it, and delete it by hand if nobody wants it.")),
        }
    }

    fn reference(&self) -> String {
        format!("refs/tags/{}", self.tag)
    }
}
