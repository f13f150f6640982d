//! Joins paths: all end well, or the first real cause is what is reported.

use std::pin::pin;
use std::time::Duration;

use engine::failure::{Failure, Kind, Result};
use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::phase::uncut::Uncut;

/// How long the siblings of a failed path may take to end what is under way.
const GRACE: Duration = Duration::from_secs(10);

/// Runs paths side by side. When one fails, or the token is cancelled from outside, the others get the token, then are
/// dropped after a grace; it begins when nothing is under way that must not be cut, or when the user wants the end.
///
/// Failures are in the order in which they came; a sibling's interruption is not one of them.
pub async fn join(
    paths: Vec<LocalBoxFuture<'_, Result<()>>>,
    token: &CancellationToken,
    user: &CancellationToken,
    uncut: &Uncut,
) -> Result<(), Vec<Failure>> {
    let mut paths: FuturesUnordered<_> = paths.into_iter().collect();
    let mut failures = Vec::new();
    let mut end = pin!(async {
        token.cancelled().await;
        tokio::select! {
            () = uncut.none() => {}
            () = user.cancelled() => {}
        }
        sleep(GRACE).await;
    });
    loop {
        let ended = tokio::select! {
            biased;
            ended = paths.next() => ended,
            () = &mut end => {
                failures.push(Failure::interrupted());
                None
            }
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
    use std::cell::Cell;

    use futures::FutureExt as _;
    use tokio::time::Instant;

    use super::*;
    use crate::up::promise::Promise;

    /// Paths of a run that the user does not end.
    async fn joined(paths: Vec<LocalBoxFuture<'_, Result<()>>>, token: &CancellationToken) -> Result<(), Vec<Failure>> {
        join(paths, token, &CancellationToken::new(), &Uncut::default()).await
    }

    fn fails<'a>() -> LocalBoxFuture<'a, Result<()>> {
        async { Err(Failure::step("the disk is full")) }.boxed_local()
    }

    #[tokio::test(start_paused = true)]
    async fn the_cause_is_reported_and_not_what_it_cancelled() {
        let token = CancellationToken::new();
        let never = Promise::<()>::default();
        let waits = async { never.wait(&token).await.map(drop) }.boxed_local();
        let hangs = std::future::pending().boxed_local();
        let failures = joined(vec![waits, hangs, fails()], &token).await.unwrap_err();
        assert_eq!(failures, [Failure::step("the disk is full")]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_interruption_ends_a_path_that_does_not_look() {
        let token = CancellationToken::new();
        let hangs = std::future::pending().boxed_local();
        let begin = Instant::now();
        let (joined, ()) = tokio::join!(joined(vec![hangs], &token), async { token.cancel() });
        assert_eq!(joined, Err(vec![Failure::interrupted()]));
        assert_eq!(begin.elapsed().as_secs(), GRACE.as_secs());
    }

    #[tokio::test]
    async fn an_interruption_alone_is_one() {
        let token = CancellationToken::new();
        token.cancel();
        let never = Promise::<()>::default();
        let path = || async { never.wait(&token).await.map(drop) }.boxed_local();
        assert_eq!(joined(vec![path(), path()], &token).await, Err(vec![Failure::interrupted()]));
    }

    /// A path in the midst of what must not be cut, and what it does after; it says how far it came.
    fn kubeadm<'a>(uncut: &'a Uncut, done: &'a Cell<&'static str>) -> LocalBoxFuture<'a, Result<()>> {
        let path = async move {
            let held = uncut.begin();
            sleep(Duration::from_secs(300)).await;
            drop(held);
            sleep(Duration::from_secs(1)).await;
            done.set("kubeadm and its mark");
            sleep(Duration::from_secs(300)).await;
            done.set("all");
            Ok(())
        };
        path.boxed_local()
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_elsewhere_does_not_cut_kubeadm() {
        let user = CancellationToken::new();
        let (token, uncut, done) = (user.child_token(), Uncut::default(), Cell::new("nothing"));
        let begin = Instant::now();
        let failures = join(vec![kubeadm(&uncut, &done), fails()], &token, &user, &uncut).await.unwrap_err();
        assert_eq!(failures, [Failure::step("the disk is full")]);
        assert_eq!((done.get(), begin.elapsed().as_secs()), ("kubeadm and its mark", 300 + GRACE.as_secs()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_user_cuts_kubeadm_too() {
        let user = CancellationToken::new();
        let (token, uncut, done) = (user.child_token(), Uncut::default(), Cell::new("nothing"));
        let begin = Instant::now();
        let interrupts = async {
            sleep(Duration::from_secs(20)).await;
            user.cancel();
        };
        let paths = vec![kubeadm(&uncut, &done), fails()];
        let (joined, ()) = tokio::join!(join(paths, &token, &user, &uncut), interrupts);
        assert_eq!(joined, Err(vec![Failure::step("the disk is full")]));
        assert_eq!((done.get(), begin.elapsed().as_secs()), ("nothing", 20 + GRACE.as_secs()));
    }
}
