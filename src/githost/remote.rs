//! One branch of one repository elsewhere.

use std::time::Duration;

use engine::failure::{Failure, Kind, Result};

use super::git::last_line;
use super::keep::{keep, unheld};
use super::{Access, Git, tree};

/// A branch of a repository elsewhere, and how it is reached.
#[derive(Clone, Debug)]
pub struct Remote {
    /// What `git` is given.
    pub url: String,
    pub branch: String,
    /// The cluster's name, under which the branch is tracked.
    pub cluster: String,
    pub access: Access,
    /// What one fetch or push may take.
    pub timeout: Duration,
}

impl Remote {
    /// Where the remote branch was seen last, in a local repository. It moves with each look.
    pub fn reference(&self) -> String {
        format!("refs/seedbed/{}/{}", self.cluster, self.branch)
    }

    /// The commit whose files a plain directory got last.
    pub(super) fn taken(&self) -> String {
        format!("refs/seedbed-taken/{}/{}", self.cluster, self.branch)
    }

    /// The commit of a tip's history that a plain directory was at: the one it was seeded as or got its files from.
    pub(super) async fn base(&self, local: &Git, tip: &str) -> Result<Option<String>> {
        let seeded = tree::newest_of_ours(local, tip).await?;
        let Some(taken) = local.commit(&self.taken()).await? else { return Ok(seeded) };
        let older = match &seeded {
            Some(seeded) => !local.contains(&taken, seeded).await?,
            None => false,
        };
        Ok(if older || !local.contains(tip, &taken).await? { seeded } else { Some(taken) })
    }

    /// Fetches the branch into [`Self::reference`] and answers its tip; none where the branch does not exist yet.
    pub async fn fetch(&self, local: &Git) -> Result<Option<String>> {
        let head = format!("refs/heads/{}", self.branch);
        if self.at(local, &head).await?.is_none() {
            return Ok(None);
        }
        // Of its own: several may look at once.
        let incoming = format!("refs/seedbed-incoming/{}/{}", self.cluster, uuid::Uuid::new_v4());
        let specification = format!("+{head}:{incoming}");
        let arguments = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", &self.url, &specification];
        let fetched = self.git(local).output(&arguments).await?;
        if !fetched.success() {
            return Err(self.refused("read", &fetched.stderr_text()));
        }
        let tip = local.commit(&incoming).await?;
        if let Some(tip) = &tip {
            self.track(local, tip).await?;
        }
        local.run(&["update-ref", "-d", &incoming]).await?;
        Ok(tip)
    }

    /// Moves [`Self::reference`]. What it alone held, of a cluster that was before, is kept aside first.
    async fn track(&self, local: &Git, commit: &str) -> Result<()> {
        let reference = self.reference();
        if let Some(before) = local.commit(&reference).await?
            && !local.contains(commit, &before).await?
            && unheld(local, &before).await? > 0
        {
            keep(local, &self.cluster, &self.branch, &before).await?;
        }
        local.run(&["update-ref", &reference, commit]).await?;
        Ok(())
    }

    /// Pushes a commit to the branch, fast-forward only.
    pub async fn push(&self, local: &Git, commit: &str) -> Result<()> {
        self.send(local, &[], &format!("{commit}:refs/heads/{}", self.branch)).await?;
        self.track(local, commit).await
    }

    /// What a reference is at; none where there is no such one.
    pub(super) async fn at(&self, local: &Git, reference: &str) -> Result<Option<String>> {
        let listed = self.git(local).output(&["ls-remote", "--exit-code", &self.url, reference]).await?;
        match listed.code {
            0 => Ok(listed.stdout_text().split_whitespace().next().map(str::to_owned)),
            // `--exit-code` answers 2 where the repository has no such reference.
            2 => Ok(None),
            _ => Err(self.refused("read", &listed.stderr_text())),
        }
    }

    /// Pushes what a specification says. Nothing is forced.
    pub(super) async fn send(&self, local: &Git, options: &[&str], specification: &str) -> Result<()> {
        let arguments = [&["push", "--quiet", "--no-verify"], options, &[&self.url, specification]].concat();
        let pushed = self.git(local).output(&arguments).await?;
        if pushed.success() { Ok(()) } else { Err(self.refused("push to", &pushed.stderr_text())) }
    }

    /// `git` with what opens the repository.
    fn git(&self, local: &Git) -> Git {
        self.access.apply(local.clone(), &self.url).timeout(self.timeout)
    }

    fn refused(&self, verb: &str, stderr: &str) -> Failure {
        let failure = Failure::other(format!("could not {verb} the Git repository {}", self.url))
            .cause(last_line(stderr))
            .evidence(stderr.trim());
        let text = stderr.to_lowercase();
        if text.contains("fetch first") || text.contains("non-fast-forward") || text.contains("cannot lock ref") {
            let failure = Failure { kind: Kind::Invalid, ..failure };
            failure.hint("It moved in this moment, and nothing is forced: `seedbed gitops pull`, then try again.")
        } else if text.contains("host key verification failed") || text.contains("host identification has changed") {
            failure.hint("The host answers with another key than the planned one: make sure that no other machine has its address.")
        } else if text.contains("permission denied") || text.contains("authentication failed") {
            failure.hint("The key or the credentials were refused: check `gitops.host.credentials`.")
        } else if text.contains("shallow update not allowed") {
            failure.hint("The source is a shallow clone: run git fetch --unshallow in it.")
        } else {
            failure.hint("Run seedbed again once it is reachable: what was done is kept.")
        }
    }
}
