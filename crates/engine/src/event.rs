//! What happens, as it happens: workers emit events, one sink serves all readers.

mod secrets;
mod step;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

pub use secrets::{MASK, Search, Secrets};
pub use step::Step;

use crate::failure::Kind;

/// The version of the event format, in every event and so in every journal line.
pub const VERSION: u8 = 1;

/// Identifies a step within one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepId(pub u64);

/// One thing that happened in a step. A journal is these, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub version: u8,
    /// UTC, RFC 3339.
    pub at: jiff::Timestamp,
    pub step: StepId,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EventKind {
    /// A step began. `after` names the steps that it had to wait for, so that a critical path can be computed.
    Started { name: String, subject: Option<String>, parent: Option<StepId>, after: Vec<StepId> },
    /// How far it is. Progress is merged: only the newest counts.
    Progress { done: u64, total: Option<u64>, unit: Unit },
    /// What a wait is waiting for now.
    Waiting { condition: String },
    /// Something people want to know.
    Note { text: String },
    /// Something people must know.
    Warning { text: String },
    /// One line of a program's output.
    Output { text: String },
    /// It ended well. `changed` says whether anything was altered.
    Finished { changed: bool },
    /// It was there already.
    Skipped { reason: String },
    /// It failed.
    Failed { failure: Kind, message: String },
    /// It was dropped before it ended: interrupted, or a sibling failed.
    Abandoned,
}

/// What progress counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    Bytes,
    Items,
}

/// The sink. Cheap to clone; never blocks a worker.
#[derive(Clone, Debug)]
pub struct Events {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    next: std::sync::atomic::AtomicU64,
    sender: Mutex<Sender<Event>>,
    changed: std::sync::atomic::AtomicBool,
    secrets: Secrets,
}

impl Events {
    /// Makes a sink and the channel that the reporter reads.
    pub fn new() -> (Self, Receiver<Event>) {
        let (sender, receiver) = channel();
        let shared =
            Shared { next: 1.into(), sender: Mutex::new(sender), changed: false.into(), secrets: Secrets::default() };
        (Self { shared: Arc::new(shared) }, receiver)
    }

    /// A sink that nobody reads.
    pub fn ignored() -> Self {
        Self::new().0
    }

    /// The secrets that are masked before any reader sees an event.
    pub fn secrets(&self) -> &Secrets {
        &self.shared.secrets
    }

    /// Begins a step without a parent.
    pub fn step(&self, name: impl Into<String>) -> Step {
        Step::start(self.clone(), name.into(), None, None, Vec::new())
    }

    /// Begins a step without a parent, about a cluster, machine or file.
    pub fn step_about(&self, name: impl Into<String>, subject: impl Into<String>) -> Step {
        Step::start(self.clone(), name.into(), Some(subject.into()), None, Vec::new())
    }

    /// Whether any step so far ended with something altered.
    pub fn changed(&self) -> bool {
        self.shared.changed.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(crate) fn next_id(&self) -> StepId {
        StepId(self.shared.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    }

    pub(crate) fn emit(&self, step: StepId, kind: EventKind) {
        let kind = self.shared.secrets.mask_event(kind);
        if kind == (EventKind::Finished { changed: true }) {
            self.shared.changed.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        let event = Event { version: VERSION, at: jiff::Timestamp::now(), step, kind };
        // A reader that has gone must not stop a worker.
        if let Ok(sender) = self.shared.sender.lock() {
            let _ = sender.send(event);
        }
    }
}
