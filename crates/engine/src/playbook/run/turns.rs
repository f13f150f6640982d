//! Whose turn it is: under `linear`, nobody begins a task before all have finished the one before.

use tokio::sync::watch;

/// A point of a play: the section, the task, and within a task that flushes handlers, the handler.
pub type Position = (u8, usize, usize);

/// Where a host that has finished is.
const END: Position = (u8::MAX, 0, 0);

/// Where every host of a play is.
pub struct Turns {
    positions: watch::Sender<Vec<Position>>,
    linear: bool,
}

/// One host's place among the others.
pub struct Turn<'a> {
    turns: &'a Turns,
    number: usize,
}

impl Turns {
    pub fn new(hosts: usize, linear: bool) -> Self {
        Self { positions: watch::Sender::new(vec![(0, 0, 0); hosts]), linear: linear && hosts > 1 }
    }

    pub fn of(&self, number: usize) -> Turn<'_> {
        Turn { turns: self, number }
    }
}

impl Turn<'_> {
    /// Whether this host runs what runs only once.
    pub fn is_first(&self) -> bool {
        self.number == 0
    }

    /// Waits until every host has come as far; the hindmost never waits, so there is no deadlock.
    pub async fn at(&self, position: Position) {
        if !self.turns.linear {
            return;
        }
        self.turns.positions.send_modify(|positions| positions[self.number] = position);
        let mut positions = self.turns.positions.subscribe();
        // It cannot fail: the sender lives as long as this borrows it.
        let _ = positions.wait_for(|positions| positions.iter().all(|other| *other >= position)).await;
    }
}

impl Drop for Turn<'_> {
    /// A host that has finished or failed holds up nobody.
    fn drop(&mut self) {
        self.turns.positions.send_modify(|positions| positions[self.number] = END);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_runs_ahead_and_the_failed_hold_up_nobody() {
        let turns = Turns::new(3, true);
        let log = Mutex::new(Vec::new());
        let host = async |number: usize, seconds: u64, last: usize| {
            let turn = turns.of(number);
            for task in 0..=last {
                turn.at((2, task, 0)).await;
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                log.lock().unwrap().push(task);
            }
        };
        futures::join!(host(0, 1, 2), host(1, 10, 2), host(2, 3, 0));
        assert_eq!(*log.lock().unwrap(), [0, 0, 0, 1, 1, 2, 2]);
    }
}
