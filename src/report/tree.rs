//! What is known of a run so far, from its events alone.

use std::collections::BTreeMap;

use engine::event::{Event, EventKind, StepId, Unit};
use engine::failure::Kind;
use jiff::{SignedDuration, Timestamp};

/// The steps of a run.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    steps: BTreeMap<StepId, StepRecord>,
    span: Option<(Timestamp, Timestamp)>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct StepRecord {
    pub id: StepId,
    pub name: String,
    pub subject: Option<String>,
    pub parent: Option<StepId>,
    pub after: Vec<StepId>,
    pub children: Vec<StepId>,
    /// 0 for a step without a parent.
    pub depth: usize,
    pub started: Timestamp,
    pub ended: Option<(Timestamp, Outcome)>,
    pub progress: Option<Progress>,
    /// What it waits for now.
    pub waiting: Option<String>,
}

/// How far a step is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub done: u64,
    pub total: Option<u64>,
    pub unit: Unit,
    /// Since it was first told, for the speed.
    first: (Timestamp, u64),
    last: Timestamp,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Changed,
    Unchanged,
    Skipped(String),
    Failed(Kind, String),
    Abandoned,
}

impl Tree {
    /// Takes an event in.
    pub fn take(&mut self, event: &Event) {
        let (first, last) = self.span.unwrap_or((event.at, event.at));
        self.span = Some((first, last.max(event.at)));
        if let EventKind::Started { name, subject, parent, after } = &event.kind {
            self.begin(event, name.clone(), subject.clone(), *parent, after.clone());
            return;
        }
        // A journal that was cut at its start may lack a step's beginning.
        let Some(step) = self.steps.get_mut(&event.step) else { return };
        match &event.kind {
            EventKind::Progress { done, total, unit } => {
                let first = step.progress.map_or((event.at, *done), |progress| progress.first);
                step.progress = Some(Progress { done: *done, total: *total, unit: *unit, first, last: event.at });
            }
            EventKind::Waiting { condition } => step.waiting = Some(condition.clone()),
            EventKind::Finished { changed: true } => step.ended = Some((event.at, Outcome::Changed)),
            EventKind::Finished { changed: false } => step.ended = Some((event.at, Outcome::Unchanged)),
            EventKind::Skipped { reason } => step.ended = Some((event.at, Outcome::Skipped(reason.clone()))),
            EventKind::Failed { failure, message } => {
                step.ended = Some((event.at, Outcome::Failed(*failure, message.clone())));
            }
            EventKind::Abandoned => step.ended = Some((event.at, Outcome::Abandoned)),
            EventKind::Started { .. }
            | EventKind::Note { .. }
            | EventKind::Warning { .. }
            | EventKind::Output { .. } => {}
        }
    }

    fn begin(
        &mut self,
        event: &Event,
        name: String,
        subject: Option<String>,
        parent: Option<StepId>,
        after: Vec<StepId>,
    ) {
        let depth = parent.and_then(|parent| self.steps.get_mut(&parent)).map_or(0, |parent| {
            parent.children.push(event.step);
            parent.depth + 1
        });
        let record = StepRecord {
            id: event.step,
            name,
            subject,
            parent,
            after,
            children: Vec::new(),
            depth,
            started: event.at,
            ended: None,
            progress: None,
            waiting: None,
        };
        self.steps.insert(event.step, record);
    }

    pub fn get(&self, id: StepId) -> Option<&StepRecord> {
        self.steps.get(&id)
    }

    /// All steps, in the order in which they began.
    pub fn steps(&self) -> impl Iterator<Item = &StepRecord> {
        self.steps.values()
    }

    /// The steps that are under way and have no child under way.
    pub fn frontier(&self) -> impl Iterator<Item = &StepRecord> {
        let active = |id: &StepId| self.steps.get(id).is_some_and(|step| step.ended.is_none());
        self.steps.values().filter(move |step| step.ended.is_none() && !step.children.iter().any(active))
    }

    /// The time of the first event, and of the last.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }

    /// When the run began; the time given where nothing happened yet.
    pub fn start(&self, otherwise: Timestamp) -> Timestamp {
        self.span.map_or(otherwise, |(first, _)| first)
    }

    /// A step's labels from below the root, joined. The root is named only where it stands alone, a subject
    /// only where it is another than that of the step above.
    pub fn path(&self, id: StepId) -> String {
        let mut labels = Vec::new();
        let mut next = self.steps.get(&id);
        while let Some(step) = next {
            let parent = step.parent.and_then(|parent| self.steps.get(&parent));
            let repeated = parent.is_some_and(|parent| parent.depth > 0 && parent.subject == step.subject);
            if repeated {
                labels.push(step.name.clone());
            } else if step.depth > 0 || labels.is_empty() {
                labels.push(step.label());
            }
            next = parent;
        }
        labels.reverse();
        labels.join(" › ")
    }
}

impl StepRecord {
    /// What it does, and to what.
    pub fn label(&self) -> String {
        match &self.subject {
            // The root reads as the command does.
            Some(subject) if self.depth == 0 => format!("{} {subject}", self.name),
            Some(subject) => format!("{subject}: {}", self.name),
            None => self.name.clone(),
        }
    }

    pub fn failed(&self) -> bool {
        matches!(self.ended, Some((_, Outcome::Failed(..))))
    }

    /// How long it took, or takes until now.
    pub fn took(&self, now: Timestamp) -> SignedDuration {
        self.ended.as_ref().map_or(now, |(at, _)| *at).duration_since(self.started)
    }
}

impl Progress {
    /// Units a second since it was first told; none until that can be known.
    pub fn speed(&self) -> Option<u64> {
        let millis = u128::try_from(self.last.duration_since(self.first.0).as_millis()).ok()?;
        let moved = u128::from(self.done.saturating_sub(self.first.1));
        if millis < 500 { None } else { u64::try_from(moved * 1000 / millis).ok() }
    }
}
