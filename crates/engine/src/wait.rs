//! Waiting: a list of named conditions, one poller, a deadline, and a diagnosis at its end.

use std::time::Duration;

use tokio::time::Instant;

use crate::event::Step;
use crate::failure::{Failure, Kind, Result};

/// What a look at a condition found.
#[derive(Debug)]
pub enum Seen<T> {
    /// It holds.
    Ready(T),
    /// Not yet, and what is missing, shown while waiting and at the deadline.
    NotYet(String),
}

/// How a wait looks again and when it gives up.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub deadline: Duration,
    /// The first pause between two looks; it grows by half up to `slowest`.
    pub fastest: Duration,
    pub slowest: Duration,
}

impl Patience {
    /// Looks after 1 s at first and every 5 s at last.
    pub const fn for_seconds(seconds: u64) -> Self {
        Self {
            deadline: Duration::from_secs(seconds),
            fastest: Duration::from_secs(1),
            slowest: Duration::from_secs(5),
        }
    }

    /// The same with other pauses.
    #[must_use]
    pub const fn every(mut self, fastest: Duration, slowest: Duration) -> Self {
        self.fastest = fastest;
        self.slowest = slowest;
        self
    }
}

/// Looks until the condition holds, fails for good, or the deadline passes.
///
/// A look answers `Err` for a failure that no waiting mends. At the deadline the failure names the
/// condition and what the last look missed.
pub async fn until<T>(
    step: &Step,
    condition: &str,
    patience: Patience,
    kind: Kind,
    mut look: impl AsyncFnMut() -> Result<Seen<T>>,
) -> Result<T> {
    let end = Instant::now() + patience.deadline;
    let mut pause = patience.fastest;
    let mut shown = String::new();
    loop {
        // The deadline bounds a look that hangs, too.
        let missing = match tokio::time::timeout_at(end, look()).await {
            Ok(Ok(Seen::Ready(value))) => return Ok(value),
            Ok(Ok(Seen::NotYet(missing))) => missing,
            Ok(Err(failure)) => return Err(failure),
            Err(_) if shown.is_empty() => "the first look did not answer".to_owned(),
            Err(_) => shown.clone(),
        };
        if missing != shown {
            step.waiting(format!("{condition}: {missing}"));
            shown = missing;
        }
        if Instant::now() + pause >= end {
            let waited = patience.deadline.as_secs();
            return Err(Failure::new(kind, format!("{condition}: not so after {waited} s")).cause(shown));
        }
        tokio::time::sleep(pause).await;
        pause = (pause + pause / 2).min(patience.slowest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Events;

    #[tokio::test(start_paused = true)]
    async fn the_deadline_names_what_was_missing() {
        let step = Events::ignored().step("test");
        let result: Result<()> = until(&step, "the node is Ready", Patience::for_seconds(20), Kind::Step, async || {
            Ok(Seen::NotYet("kubelet does not answer".into()))
        })
        .await;
        let failure = result.unwrap_err();
        assert_eq!(failure.to_string(), "the node is Ready: not so after 20 s: kubelet does not answer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_hangs_ends_at_the_deadline() {
        let step = Events::ignored().step("test");
        let result: Result<()> =
            until(&step, "it answers", Patience::for_seconds(5), Kind::Step, async || std::future::pending().await)
                .await;
        assert!(result.unwrap_err().to_string().contains("the first look did not answer"));
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_the_condition_holds() {
        let step = Events::ignored().step("test");
        let mut looks = 0;
        let result = until(&step, "third time", Patience::for_seconds(60), Kind::Step, async || {
            looks += 1;
            Ok(if looks == 3 { Seen::Ready(looks) } else { Seen::NotYet("again".into()) })
        })
        .await;
        assert_eq!(result, Ok(3));
    }
}
