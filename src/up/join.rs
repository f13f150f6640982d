//! Joins paths: all end well, or the first real cause is what is reported.

use std::time::Duration;

use engine::failure::{Failure, Kind, Result};
use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// How long the siblings of a failed path may take to end what is under way.
const GRACE: Duration = Duration::from_secs(10);

/// Runs paths side by side. When one fails, or the token is cancelled from outside, the others get the token, then are
/// dropped after a grace.
///
/// Failures are in the order in which they came; a sibling's interruption is not one of them.
pub async fn join(paths: Vec<LocalBoxFuture<'_, Result<()>>>, token: &CancellationToken) -> Result<(), Vec<Failure>> {
    let mut paths: FuturesUnordered<_> = paths.into_iter().collect();
    let mut failures = Vec::new();
    let mut end = None;
    loop {
        let ended = match end {
            None => tokio::select! {
                ended = paths.next() => ended,
                () = token.cancelled() => {
                    end = Some(Instant::now() + GRACE);
                    continue;
                }
            },
            Some(end) => timeout_at(end, paths.next()).await.unwrap_or_else(|_| {
                failures.push(Failure::interrupted());
                None
            }),
        };
        match ended {
            Some(Ok(())) => {}
            Some(Err(failure)) => {
                token.cancel();
                failures.push(failure);
            }
            None => break,
        }
    }
    if failures.iter().any(|failure| failure.kind != Kind::Interrupted) {
        failures.retain(|failure| failure.kind != Kind::Interrupted);
    } else {
        failures.truncate(1);
    }
    if failures.is_empty() { Ok(()) } else { Err(failures) }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::up::promise::Promise;

    #[tokio::test(start_paused = true)]
    async fn the_cause_is_reported_and_not_what_it_cancelled() {
        let token = CancellationToken::new();
        let never = Promise::<()>::default();
        let waits = async { never.wait(&token).await.map(drop) }.boxed_local();
        let hangs = std::future::pending().boxed_local();
        let fails = async { Err(Failure::step("the disk is full")) }.boxed_local();
        let failures = join(vec![waits, hangs, fails], &token).await.unwrap_err();
        assert_eq!(failures, [Failure::step("the disk is full")]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_interruption_ends_a_path_that_does_not_look() {
        let token = CancellationToken::new();
        let hangs = std::future::pending().boxed_local();
        let begin = Instant::now();
        let (joined, ()) = tokio::join!(join(vec![hangs], &token), async { token.cancel() });
        assert_eq!(joined, Err(vec![Failure::interrupted()]));
        assert_eq!(begin.elapsed().as_secs(), GRACE.as_secs());
    }

    #[tokio::test]
    async fn an_interruption_alone_is_one() {
        let token = CancellationToken::new();
        token.cancel();
        let never = Promise::<()>::default();
        let path = || async { never.wait(&token).await.map(drop) }.boxed_local();
        assert_eq!(join(vec![path(), path()], &token).await, Err(vec![Failure::interrupted()]));
    }
}
