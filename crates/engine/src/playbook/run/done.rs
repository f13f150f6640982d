//! What a task did, as it is kept and as it is told.

use serde_json::{Map, Value as Json};

use crate::failure::{Failure, Kind};
use crate::module::Diff;
use crate::playbook::play::Task;

/// What a task did for one item, or for all of them.
#[derive(Default)]
pub struct Done {
    /// What `register` keeps.
    pub result: Map<String, Json>,
    pub changed: bool,
    pub skipped: Option<String>,
    pub failure: Option<Failure>,
    pub facts: Map<String, Json>,
    pub diffs: Vec<Diff>,
    /// What a task says to people.
    pub notes: Vec<String>,
    pub control: Option<Control>,
}

/// What a `meta` task asks of the runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Flush,
    End,
}

impl Done {
    pub fn failed(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }

    pub fn skipped(reason: String) -> Self {
        Self { skipped: Some(reason), ..Self::default() }
    }

    /// The result with the flags that every result has.
    pub fn registered(&self) -> Json {
        let mut result = self.result.clone();
        result.insert("changed".to_owned(), self.changed.into());
        result.insert("failed".to_owned(), self.failure.is_some().into());
        result.insert("skipped".to_owned(), self.skipped.is_some().into());
        if let Some(reason) = &self.skipped {
            result.insert("skip_reason".to_owned(), reason.as_str().into());
        }
        if let Some(failure) = &self.failure {
            let message = failure.causes.last().unwrap_or(&failure.what).as_str();
            result.entry("msg").or_insert_with(|| message.into());
        }
        Json::Object(result)
    }
}

/// The failure of a task as people need it: host, task, command, what it said, file and line.
pub fn told(
    host: &str,
    name: &str,
    task: &Task,
    failure: Failure,
    result: &Map<String, Json>,
    hidden: bool,
) -> Failure {
    let place = failure.place.clone().filter(|place| place.line > 0).unwrap_or_else(|| task.place.clone());
    let kind = failure.kind;
    if kind == Kind::Interrupted {
        return failure;
    }
    let mut told = Failure::step(format!("{host}: the task `{name}` failed")).place(place);
    if hidden {
        return told.cause("its output is hidden by `no_log`").hint("run it once with `no_log: false` to see it");
    }
    told.causes = std::iter::once(failure.what).chain(failure.causes).collect();
    told.hints = failure.hints;
    let text = |name: &str| result.get(name).and_then(Json::as_str).unwrap_or_default().trim_end();
    told.evidence = failure.evidence.or_else(|| {
        let said = if text("stderr").is_empty() { text("stdout") } else { text("stderr") };
        let lines: Vec<&str> = said.lines().collect();
        let tail = lines[lines.len().saturating_sub(40)..].join("\n");
        // A script of many lines is found by its place.
        match (text("cmd"), tail.is_empty()) {
            ("", true) => None,
            (command, false) if command.is_empty() || command.contains('\n') => Some(tail),
            (command, _) if command.contains('\n') => None,
            (command, _) => Some(format!("$ {command}\n{tail}").trim_end().to_owned()),
        }
    });
    told
}
