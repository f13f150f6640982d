//! The guard of one step.

use super::{EventKind, Events, StepId, Unit};
use crate::failure::{Failure, Result};

/// A step that is under way. Dropped before it ended, it writes `Abandoned`.
#[derive(Debug)]
pub struct Step {
    events: Events,
    id: StepId,
    ended: bool,
}

impl Step {
    pub(super) fn start(
        events: Events,
        name: String,
        subject: Option<String>,
        parent: Option<StepId>,
        after: Vec<StepId>,
    ) -> Self {
        let id = events.next_id();
        events.emit(id, EventKind::Started { name, subject, parent, after });
        Self { events, id, ended: false }
    }

    pub fn id(&self) -> StepId {
        self.id
    }

    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Begins a step within this one.
    pub fn child(&self, name: impl Into<String>) -> Self {
        Self::start(self.events.clone(), name.into(), None, Some(self.id), Vec::new())
    }

    /// Begins a step within this one, about a machine, host, node or object, after other steps.
    pub fn child_of(&self, name: impl Into<String>, subject: impl Into<String>, after: &[StepId]) -> Self {
        Self::start(self.events.clone(), name.into(), Some(subject.into()), Some(self.id), after.to_vec())
    }

    pub fn progress(&self, done: u64, total: Option<u64>, unit: Unit) {
        self.events.emit(self.id, EventKind::Progress { done, total, unit });
    }

    pub fn waiting(&self, condition: impl Into<String>) {
        self.events.emit(self.id, EventKind::Waiting { condition: condition.into() });
    }

    pub fn note(&self, text: impl Into<String>) {
        self.events.emit(self.id, EventKind::Note { text: text.into() });
    }

    pub fn warn(&self, text: impl Into<String>) {
        self.events.emit(self.id, EventKind::Warning { text: text.into() });
    }

    pub fn output(&self, text: impl Into<String>) {
        self.events.emit(self.id, EventKind::Output { text: text.into() });
    }

    /// Ends it well.
    pub fn finish(mut self, changed: bool) {
        self.end(EventKind::Finished { changed });
    }

    /// Ends it: there was nothing to do.
    pub fn skip(mut self, reason: impl Into<String>) {
        self.end(EventKind::Skipped { reason: reason.into() });
    }

    /// Ends it with a failure.
    pub fn fail(mut self, failure: &Failure) {
        self.end(EventKind::Failed { failure: failure.kind, message: failure.to_string() });
    }

    /// Ends it as a result says, which changed something where it is good, and hands the result on.
    pub fn conclude<T>(self, result: Result<T>) -> Result<T> {
        self.conclude_as(result, |_| true)
    }

    /// The same; whether something changed is asked of the good result.
    pub fn conclude_as<T>(self, result: Result<T>, changed: impl FnOnce(&T) -> bool) -> Result<T> {
        match &result {
            Ok(value) => self.finish(changed(value)),
            Err(failure) => self.fail(failure),
        }
        result
    }

    fn end(&mut self, kind: EventKind) {
        self.ended = true;
        self.events.emit(self.id, kind);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended {
            self.events.emit(self.id, EventKind::Abandoned);
        }
    }
}
