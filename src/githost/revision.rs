//! Where the repository is, and whether that contains what was seeded.

use engine::failure::Result;

use super::{Git, Remote, Seeded};

/// What was seeded, and how to ask about other commits.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The commit of the user's source.
    pub commit: String,
    /// The tip of the remote branch when it was seeded; contains `commit`.
    pub tip: String,
    /// Whether anything was pushed.
    pub pushed: bool,
    git: Git,
    remote: Remote,
}

impl Revision {
    pub fn new(seeded: Seeded, git: Git, remote: Remote) -> Self {
        Self { commit: seeded.commit, tip: seeded.tip, pushed: seeded.pushed, git, remote }
    }

    /// Whether a commit that the cluster is at contains the seeded one; asks the remote for commits not known here.
    pub async fn contains(&self, commit: &str) -> Result<bool> {
        if self.git.commit(commit).await?.is_none() {
            self.remote.fetch(&self.git).await?;
        }
        // A commit that the remote does not have either is an older or a foreign one.
        Ok(self.git.commit(commit).await?.is_some() && self.git.contains(commit, &self.commit).await?)
    }
}
