//! Redraws a run from its journal.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use engine::event::Event;
use engine::failure::{Failure, Result};
use engine::place::Place;
use jiff::Timestamp;

use super::{Mode, Settings, Tree};

/// How fast a journal is replayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Without pauses.
    AtOnce,
    /// This many times as fast as it was.
    Times(f64),
}

/// Reads a journal. A last line that was cut, as by a kill, is left out.
pub fn read(path: &Path) -> Result<Vec<Event>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::invalid(format!("cannot read {}", path.display())).because(&error))?;
    parse(&text, &path.display().to_string())
}

fn parse(text: &str, origin: &str) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        match serde_json::from_str(line) {
            Ok(event) => events.push(event),
            Err(_) if !line.ends_with('\n') => break,
            Err(error) => {
                return Err(Failure::invalid("this is no line of a journal")
                    .place(Place::at(origin, number, 0))
                    .because(&error)
                    .hint("journals are the files in `.seedbed/<cluster>/journal/`"));
            }
        }
    }
    Ok(events)
}

/// Shows events as when they happened. Lines and JSON go to `out`; bars to the terminal.
pub fn replay(events: &[Event], settings: &Settings, speed: Speed, out: Box<dyn Write + Send>) -> Tree {
    let mut reader = super::reader(settings, out);
    let mut tree = Tree::default();
    let mut last = events.first().map_or(Timestamp::UNIX_EPOCH, |event| event.at);
    for event in events {
        if let Speed::Times(times) = speed {
            let mut left = event.at.duration_since(last).as_secs_f64().max(0.0);
            // Bars move between two events, too.
            while left > 0.0 {
                let slice = left.min(0.1 * times);
                std::thread::sleep(Duration::from_secs_f64(slice / times));
                left -= slice;
                let ago = jiff::SignedDuration::try_from_secs_f64(left).unwrap_or_default();
                reader.tick(&tree, event.at.checked_sub(ago).unwrap_or(event.at));
            }
        }
        last = last.max(event.at);
        tree.take(event);
        reader.read(event, &tree);
    }
    if settings.mode != Mode::Bars || matches!(speed, Speed::Times(_)) {
        reader.tick(&tree, last);
    }
    reader.end(&tree);
    tree
}

#[cfg(test)]
pub mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A place to write that tests can read.
    #[derive(Clone, Default)]
    pub struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Buffer {
        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A short run of two nodes with all kinds of events; time starts at the epoch.
    pub fn journal() -> Vec<Event> {
        parse(include_str!("../../tests/journals/two-nodes.jsonl"), "two-nodes.jsonl").unwrap()
    }

    #[test]
    fn a_cut_last_line_is_left_out() {
        let text = include_str!("../../tests/journals/two-nodes.jsonl");
        let whole = parse(text, "j").unwrap().len();
        assert_eq!(parse(&text[..text.len() - 10], "j").unwrap().len(), whole - 1);
    }

    #[test]
    fn a_line_that_is_none_has_a_place() {
        let failure = parse("{}\n", "j.jsonl").unwrap_err();
        assert_eq!(failure.place, Some(Place::at("j.jsonl", 1, 0)));
    }

    #[test]
    fn events_survive_the_journal() {
        for event in journal() {
            let line = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
        }
    }
}
