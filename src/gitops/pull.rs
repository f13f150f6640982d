//! Brings commits that were made in the cluster into the user's source, which loses nothing by it.

use engine::event::Step;
use engine::failure::{Failure, Result};
use engine::host::quote;

use super::Reached;
use crate::githost::{self, FetchedBack};
use crate::spec::Cluster;
use crate::state::State;

/// Fetches the commits that the source lacks; refuses, with them kept, where its branch or files cannot just move.
pub async fn pull(cluster: &Cluster, state: &State, step: &Step) -> Result<FetchedBack, Vec<Failure>> {
    let reached = Reached::find(cluster, state, step).await?;
    let pulling = step.child_of("pull", &reached.gitops.spec.branch, &[]);
    let fetched = githost::pull(&reached.source, &reached.entrance.remote, &cluster.directory).await;
    let result = fetched.and_then(|fetched| match refusal(&fetched, &reached) {
        Some(failure) => Err(failure),
        None => Ok(fetched),
    });
    let changed = result.as_ref().is_ok_and(|fetched| fetched.tell(&reached.gitops.spec.source, &pulling));
    pulling.conclude_as(result, |_| changed).map_err(|failure| vec![failure])
}

/// Why the user has to go on from here; nothing where the commits are where they belong.
fn refusal(fetched: &FetchedBack, reached: &Reached) -> Option<Failure> {
    let source = &reached.gitops.spec.source;
    let refused = |what: &str| {
        Failure::refused(format!("{what} made in the cluster are fetched, and not in {}", source.display()))
    };
    match fetched {
        FetchedBack::Nothing | FetchedBack::Merged { .. } | FetchedBack::Files { .. } => None,
        FetchedBack::Kept { count, reference, why, .. } => {
            let directory = quote(&source.to_string_lossy());
            let hint = format!("Commit what is open, then: git -C {directory} rebase {reference} (or merge).");
            Some(refused(&format!("{count} commits")).cause(why).hint(hint))
        }
        FetchedBack::Bundled { bundle, why, .. } => Some(
            refused("commits")
                .cause(why)
                .hint(format!("They are in {}, which `git clone` reads.", bundle.display()))
                .hint("Put your changes aside, pull again, and make them anew; in a Git repository, they would merge."),
        ),
    }
}
