//! Conditions: whether a task runs, and what its result means.

use std::sync::Arc;

use super::done::Done;
use crate::failure::{Failure, Kind, Result};
use crate::playbook::play::{Condition, Task};
use crate::template::{self, Context, Layer, Level, Scope};

/// Whether all conditions hold; else the one that does not.
pub fn holds(conditions: &[&Condition], context: &Context) -> Result<Option<String>> {
    for condition in conditions {
        if !template::holds(&condition.text, &condition.place, context)? {
            return Ok(Some(format!("not {}", condition.text)));
        }
    }
    Ok(None)
}

/// Applies `changed_when`, `failed_when` and `until` to a result; says whether there is nothing more to try.
pub fn judged(task: &Task, done: &mut Done, scope: &Scope) -> Result<bool> {
    if done.skipped.is_some() {
        return Ok(true);
    }
    let context = |done: &Done| {
        let name = task.register.as_deref().unwrap_or("_result");
        scope.with(Level::Magic, Arc::new(Layer::data([(name.to_owned(), done.registered())]))).context()
    };
    let all = |conditions: &[Condition], context: &Context| -> Result<bool> {
        Ok(holds(&conditions.iter().collect::<Vec<_>>(), context)?.is_none())
    };
    let interrupted = done.failure.as_ref().is_some_and(|failure| failure.kind == Kind::Interrupted);
    if let (Some(conditions), false) = (&task.failed_when, interrupted) {
        let failed = all(conditions, &context(done))?;
        if !failed {
            done.failure = None;
        } else if done.failure.is_none() {
            let text: Vec<&str> = conditions.iter().map(|condition| condition.text.as_str()).collect();
            done.failure = Some(Failure::step(format!("`failed_when` holds: {}", text.join(" and "))));
        }
    }
    if let (Some(conditions), true) = (&task.changed_when, done.failure.is_none()) {
        done.changed = all(conditions, &context(done))?;
    }
    match &task.until {
        Some(conditions) => all(conditions, &context(done)),
        None => Ok(done.failure.is_none() || interrupted),
    }
}
