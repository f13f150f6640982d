//! Collects what is gathered: files, what could not be had and why, and what is wrong.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use engine::failure::{Failure, Result};
use tokio::time::{Instant, timeout_at};

use super::content::Content;

/// The longest that everything may take on native machines: with the packing, under half a minute.
const WHOLE: u32 = 22;

/// What is wrong, in the order in which one thing stands on another: the first is the cause of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    State,
    Machine,
    Host,
    Service,
    Api,
    Node,
    Repository,
}

/// Everything that was gathered.
#[derive(Debug, Default)]
pub struct Found {
    /// By their paths in the archive.
    pub files: BTreeMap<String, Content>,
    /// What could not be had, and why.
    pub missing: BTreeMap<String, String>,
    pub problems: Vec<(Level, Failure)>,
}

/// What all gatherers share.
#[derive(Debug)]
pub struct Collector {
    end: Instant,
    slowness: u32,
    found: Mutex<Found>,
}

impl Collector {
    /// `slowness` is how many times longer everything may take than on native machines.
    pub fn new(slowness: u32) -> Self {
        let end = Instant::now() + Duration::from_secs(u64::from(WHOLE * slowness));
        Self { end, slowness, found: Mutex::default() }
    }

    /// Some seconds, or more of them on slow machines.
    pub fn seconds(&self, seconds: u64) -> Duration {
        Duration::from_secs(seconds) * self.slowness
    }

    /// Asks one source within its deadline and that of the whole; what is not had is listed under the name.
    pub async fn source<T>(&self, name: &str, seconds: u64, work: impl Future<Output = Result<T>>) -> Result<T> {
        let (begin, limit) = (Instant::now(), self.seconds(seconds));
        let answer = timeout_at(self.end.min(begin + limit), work).await.unwrap_or_else(|_| {
            let waited = begin.elapsed().as_secs_f32();
            Err(Failure::other(format!("no answer within {waited:.0} s")))
        });
        if let Err(failure) = &answer {
            self.lacks(name, failure.to_string());
        }
        answer
    }

    /// The same where the answer is a file's content.
    pub async fn file<T: Into<Content>>(
        &self,
        name: impl Into<String>,
        seconds: u64,
        work: impl Future<Output = Result<T>>,
    ) {
        let name = name.into();
        if let Ok(content) = self.source(&name, seconds, work).await {
            self.put(name, content);
        }
    }

    pub fn put(&self, name: impl Into<String>, content: impl Into<Content>) {
        self.with(|found| drop(found.files.insert(name.into(), content.into())));
    }

    pub fn lacks(&self, name: impl Into<String>, why: impl Into<String>) {
        self.with(|found| drop(found.missing.insert(name.into(), why.into())));
    }

    pub fn problem(&self, level: Level, failure: Failure) {
        self.with(|found| found.problems.push((level, failure)));
    }

    fn with(&self, alter: impl FnOnce(&mut Found)) {
        // A gatherer that panicked left whole entries.
        alter(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Hands everything out, the problems in the order of what stands on what.
    pub fn end(self) -> Found {
        let mut found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.problems.sort_by_key(|(level, _)| *level);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_dead_costs_its_deadline_and_stalls_nothing() {
        let collector = Collector::new(1);
        let begin = Instant::now();
        let dead = async { std::future::pending().await };
        let fails = async { Err(Failure::step("the disk is full").cause("no space left")) };
        let slow = async {
            collector.file::<String>("slow", 15, async { std::future::pending().await }).await;
            collector.file::<String>("slow/second", 15, async { std::future::pending().await }).await;
        };
        tokio::join!(
            collector.file::<String>("dead", 8, dead),
            collector.file::<String>("full", 8, fails),
            collector.file("well", 8, async { Ok("text") }),
            slow,
        );
        assert_eq!(begin.elapsed().as_secs(), u64::from(WHOLE));
        let found = collector.end();
        assert_eq!(found.files.into_iter().collect::<Vec<_>>(), [("well".into(), "text".into())]);
        let missing: Vec<(&str, &str)> = found.missing.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(
            missing,
            [
                ("dead", "no answer within 8 s"),
                ("full", "the disk is full: no space left"),
                ("slow", "no answer within 15 s"),
                ("slow/second", "no answer within 7 s"),
            ]
        );
    }
}
