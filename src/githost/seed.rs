//! Seeds the remote repository from the user's source. Never forced.

use engine::event::Step;
use engine::failure::{Failure, Result};

use super::{Git, Remote, Source, tree};
use crate::spec::Dirty;

/// What the remote branch is at, and what of the user's is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeded {
    /// The commit of the user's source; `tip` contains it.
    pub commit: String,
    /// The tip of the remote branch.
    pub tip: String,
    /// Whether anything was pushed.
    pub pushed: bool,
}

/// What is to be in the remote branch.
struct Wanted {
    /// The commit of the user's own history; a plain directory has none.
    head: Option<String>,
    tree: String,
    /// Whether the tree is the one of `head`.
    committed: bool,
}

/// Brings the user's source into the remote branch, and answers where that is.
///
/// A remote that is ahead counts as up to date. One that diverged is a failure with both tips.
pub async fn seed(source: &Source, remote: &Remote, dirty: Dirty, step: &Step) -> Result<Seeded> {
    let git = source.git();
    let wanted = wanted(source, &remote.branch, dirty, step).await?;
    let tip = remote.fetch(git).await?;
    match decide(git, remote, &wanted, tip.as_deref()).await? {
        Decision::Push(commit) => {
            remote.push(git, &commit).await?;
            step.note(format!("pushed {} to {} of {}", short(&commit), remote.branch, remote.url));
            Ok(Seeded { tip: commit.clone(), commit, pushed: true })
        }
        Decision::Contained { commit, tip } => {
            if commit != tip {
                step.note(format!("{} is ahead at {}, kept as {}", remote.branch, short(&tip), remote.reference()));
            }
            Ok(Seeded { commit, tip, pushed: false })
        }
    }
}

enum Decision {
    Push(String),
    Contained { commit: String, tip: String },
}

async fn decide(git: &Git, remote: &Remote, wanted: &Wanted, tip: Option<&str>) -> Result<Decision> {
    let Some(head) = &wanted.head else { return decide_directory(git, remote, wanted, tip).await };
    let commit = if wanted.committed {
        head.clone()
    } else {
        tree::commit(git, &wanted.tree, &[head], &message(remote)).await?
    };
    let Some(tip) = tip else { return Ok(Decision::Push(commit)) };
    if git.contains(tip, &commit).await? {
        return Ok(Decision::Contained { commit, tip: tip.to_owned() });
    }
    if git.contains(&commit, tip).await? {
        return Ok(Decision::Push(commit));
    }
    // What the remote has beyond HEAD are earlier states of the user's working tree: they are built upon.
    if git.run(&["merge-base", head, tip]).await.is_ok() && tree::only_ours_since(git, head, tip).await? {
        if git.tree(tip).await? == wanted.tree && git.contains(tip, head).await? {
            return Ok(Decision::Contained { commit: tip.to_owned(), tip: tip.to_owned() });
        }
        let parents = if git.contains(tip, head).await? { vec![tip] } else { vec![tip, head.as_str()] };
        return Ok(Decision::Push(tree::commit(git, &wanted.tree, &parents, &message(remote)).await?));
    }
    let reference = remote.reference();
    let hint =
        format!("Its commits are fetched: in the source, git rebase {reference} (or git merge), then try again.");
    Err(diverged(remote, &commit, tip).hint(hint))
}

async fn decide_directory(git: &Git, remote: &Remote, wanted: &Wanted, tip: Option<&str>) -> Result<Decision> {
    let parents: Vec<&str> = tip.into_iter().collect();
    let Some(tip) = tip else {
        return Ok(Decision::Push(tree::commit(git, &wanted.tree, &parents, &message(remote)).await?));
    };
    let seeded = remote.base(git, tip).await?;
    if let Some(seeded) = &seeded
        && git.tree(seeded).await? == wanted.tree
    {
        return Ok(Decision::Contained { commit: seeded.clone(), tip: tip.to_owned() });
    }
    if git.tree(tip).await? == wanted.tree {
        return Ok(Decision::Contained { commit: tip.to_owned(), tip: tip.to_owned() });
    }
    if seeded.as_deref() == Some(tip) {
        return Ok(Decision::Push(tree::commit(git, &wanted.tree, &parents, &message(remote)).await?));
    }
    let base: Vec<&str> = seeded.iter().map(String::as_str).collect();
    let commit = tree::commit(git, &wanted.tree, &base, &message(remote)).await?;
    Err(diverged(remote, &commit, tip)
        .hint("Put your changes aside, run `seedbed gitops pull`, and make them anew; in a Git repository they merge."))
}

async fn wanted(source: &Source, branch: &str, dirty: Dirty, step: &Step) -> Result<Wanted> {
    let git = match source {
        Source::Directory { files, git } => {
            let tree = tree::of_files(git, files, None).await?;
            return Ok(Wanted { head: None, tree, committed: false });
        }
        Source::Repository { git } => git,
    };
    let head = branch_head(git, branch).await?;
    let tree = git.tree(&head).await?;
    let clean = Wanted { head: Some(head.clone()), tree, committed: true };
    if checked_out(git).await?.as_deref() != Some(branch) {
        return Ok(clean);
    }
    let changes = changes(git).await?;
    if changes.is_empty() {
        return Ok(clean);
    }
    if dirty == Dirty::Include {
        let tree = tree::of_files(git, git.directory(), Some(&head)).await?;
        return Ok(Wanted { committed: tree == clean.tree, head: clean.head, tree });
    }
    let (count, first) = (changes.len(), &changes[0]);
    step.warn(format!(
        "{count} changes in {} are not committed and so not seeded, the first in {first}; \
         commit them or set gitops.dirty: include",
        git.directory().display()
    ));
    Ok(clean)
}

pub(super) async fn branch_head(git: &Git, branch: &str) -> Result<String> {
    if let Some(head) = git.commit(&format!("refs/heads/{branch}")).await? {
        return Ok(head);
    }
    let place = git.directory().display();
    let branches = git.run(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]).await?;
    let failure = Failure::invalid(format!("the repository {place} has no branch {branch:?}"));
    Err(match branches.lines().collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => failure.cause("it has no commit yet").hint("Commit something to it first."),
        some => failure.cause(format!("it has {some}")).hint("Set gitops.branch to one of its branches."),
    })
}

/// The branch that is checked out in a working tree.
pub(super) async fn checked_out(git: &Git) -> Result<Option<String>> {
    if git.run(&["rev-parse", "--is-bare-repository"]).await? == "true" {
        return Ok(None);
    }
    let output = git.output(&["symbolic-ref", "--quiet", "--short", "HEAD"]).await?;
    Ok(output.success().then(|| output.stdout_text().trim().to_owned()))
}

/// The paths that differ from HEAD, untracked ones too.
pub(super) async fn changes(git: &Git) -> Result<Vec<String>> {
    let status = git.output(&["status", "--porcelain", "-z", "--", ".", ":(exclude,top).seedbed"]).await?;
    if !status.success() {
        return Err(Failure::other(format!("git status failed in {}", git.directory().display()))
            .evidence(status.stderr_text()));
    }
    let text = status.stdout_text();
    Ok(text.split('\0').filter_map(|entry| entry.get(3..)).map(str::to_owned).collect())
}

fn message(remote: &Remote) -> String {
    format!("Seed {} from the working tree", remote.cluster)
}

fn diverged(remote: &Remote, ours: &str, theirs: &str) -> Failure {
    Failure::invalid(format!("the source and the branch {} of {} have diverged", remote.branch, remote.url))
        .cause(format!("the source is at {ours}, the remote at {theirs}, and neither contains the other"))
}

pub(super) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
