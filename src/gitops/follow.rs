//! Follows a revision from the Git host until everything is Ready.

use std::cell::RefCell;
use std::pin::pin;
use std::time::{Duration, Instant};

use engine::event::Step;
use engine::failure::{Failure, Result};
use futures::future::{Either, select};
use kube::Client;
use serde::{Serialize, Serializer};

use crate::flux::{self, Expected, Milestone};
use crate::githost::Revision;

/// How long after it was pushed a revision was where; in JSON, seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// The first source offers it.
    #[serde(serialize_with = "seconds")]
    pub fetched: Duration,
    /// Every tier of the first source has applied it.
    #[serde(serialize_with = "seconds")]
    pub applied: Duration,
    /// Everything in the repository is Ready.
    #[serde(serialize_with = "seconds")]
    pub ready: Duration,
}

/// Tells Flux of a revision that was pushed just now, and waits until everything is Ready at it.
pub async fn follow(
    client: &Client,
    url: &str,
    revision: &Revision,
    expected: &Expected,
    step: &Step,
) -> Result<Times> {
    let waiting = step.child("wait until Ready");
    let result = watch(client, url, revision, expected, &waiting).await;
    waiting.conclude_as(result, |_| false)
}

async fn watch(client: &Client, url: &str, revision: &Revision, expected: &Expected, step: &Step) -> Result<Times> {
    let start = Instant::now();
    let times = RefCell::new(Times::default());
    let contains = async |commit: &str| revision.contains(commit).await;
    let reached = |milestone| {
        let (since, mut times) = (start.elapsed(), times.borrow_mut());
        let (time, text) = match milestone {
            Milestone::Fetched => (&mut times.fetched, "fetched by Flux"),
            Milestone::Applied => (&mut times.applied, "applied"),
        };
        *time = since;
        step.note(format!("{text} after {:.1} s", since.as_secs_f64()));
    };
    // More often than all objects are read: it asks for two lists only.
    let milestones = pin!(flux::milestones(client, expected.pause / 4, contains, reached));
    let wait = pin!(async {
        nudge(client, url, step).await?;
        flux::wait_until_ready(client, expected, contains, step).await
    });
    let ready = match select(wait, milestones).await {
        Either::Left((result, milestones)) => {
            result?;
            let ready = start.elapsed();
            // Ready implies them: they are told at the next look.
            let _ = tokio::time::timeout(expected.pause * 2, milestones).await;
            ready
        }
        Either::Right(((), wait)) => {
            wait.await?;
            start.elapsed()
        }
    };
    let times = *times.borrow();
    Ok(Times { fetched: times.fetched.min(ready), applied: times.applied.min(ready), ready })
}

/// Has every source of a repository look at it now.
pub(super) async fn nudge(client: &Client, url: &str, step: &Step) -> Result<()> {
    let count = flux::nudge_sources(client, url).await?;
    if count == 0 {
        return Err(Failure::refused(format!("Flux reads no repository {url}"))
            .cause("no GitRepository in the cluster has this URL")
            .hint("`seedbed up` installs Flux and points it there."));
    }
    step.note(format!("{count} sources were told"));
    Ok(())
}

/// Serialises a time as seconds.
pub(super) fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}
