//! Merges progress, so that logs and journals stay short.

use std::collections::HashMap;

use engine::event::{Event, EventKind, StepId};
use jiff::{SignedDuration, Timestamp};

/// Lets progress pass once a second a step; the last one, and everything else, always.
#[derive(Debug, Default)]
pub struct Gate(HashMap<StepId, Timestamp>);

impl Gate {
    pub fn lets(&mut self, event: &Event) -> bool {
        let EventKind::Progress { done, total, .. } = &event.kind else { return true };
        let whole = *total == Some(*done);
        let recent =
            self.0.get(&event.step).is_some_and(|at| event.at.duration_since(*at) < SignedDuration::from_secs(1));
        if recent && !whole {
            return false;
        }
        self.0.insert(event.step, event.at);
        true
    }
}

#[cfg(test)]
mod tests {
    use engine::event::Unit;

    use super::*;

    #[test]
    fn progress_passes_once_a_second_and_at_its_end() {
        let mut gate = Gate::default();
        let mut lets = |millisecond: i64, done: u64| {
            let kind = EventKind::Progress { done, total: Some(10), unit: Unit::Items };
            let at = Timestamp::from_millisecond(millisecond).unwrap();
            gate.lets(&Event { version: 1, at, step: StepId(1), kind })
        };
        let passed = [lets(0, 1), lets(500, 2), lets(1000, 3), lets(1100, 9), lets(1200, 10)];
        assert_eq!(passed, [true, false, true, false, true]);
    }
}
