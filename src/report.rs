//! The readers of events: bars, lines, JSON and the journal. Nothing else prints while work is done.
//!
//! Talk goes to stderr, so that stdout stays free for data.

mod bars;
mod critical;
mod gate;
mod journal;
mod json;
mod lines;
mod paint;
mod replay;
mod rows;
mod summary;
mod text;
mod tree;

use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use engine::event::Event;
use jiff::Timestamp;

pub use json::failure as json_failure;
pub use paint::Paint;
pub use replay::{Speed, read as read_journal, replay};
pub use summary::{stretches, summary, summary_data};
pub use text::{bytes, duration};
pub use tree::{Outcome, StepRecord, Tree};

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Moving bars, one for each thing under way; needs a terminal
    Bars,
    /// A line for each thing that happened, as in a log
    Lines,
    /// Events and errors as JSON, one object a line
    Json,
}

/// When text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    Always,
    Never,
}

/// What the reporter needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    pub mode: Mode,
    pub paint: Paint,
    /// Shows programs' output and what was skipped, too.
    pub verbose: bool,
    /// The journal's file; its directory is made if it is missing.
    pub journal: Option<PathBuf>,
}

impl Mode {
    /// Bars on a terminal, lines elsewhere: bars are refused where they cannot move.
    pub fn choose(asked: Option<Self>) -> Self {
        let terminal = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        match asked {
            None | Some(Self::Bars) if !terminal => Self::Lines,
            None => Self::Bars,
            Some(mode) => mode,
        }
    }
}

/// Shows events as they come. A reader looks at the tree, which has taken the event in already.
trait Reader: Send {
    fn read(&mut self, event: &Event, tree: &Tree);

    /// Called some times a second, also when nothing happens.
    fn tick(&mut self, _tree: &Tree, _now: Timestamp) {}

    fn end(&mut self, _tree: &Tree) {}
}

/// The thread that reads.
#[derive(Debug)]
pub struct Reporter {
    thread: JoinHandle<Tree>,
    ending: Arc<AtomicBool>,
}

/// Starts the thread that reads events until [`Reporter::finish`].
pub fn start(settings: &Settings, events: Receiver<Event>) -> Reporter {
    let mut readers = vec![reader(settings, Box::new(std::io::stderr()))];
    if let Some(path) = &settings.journal {
        readers.push(Box::new(journal::Journal::new(path.clone())));
    }
    let ending = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&ending);
    Reporter { thread: std::thread::spawn(move || read_all(&events, &told, readers)), ending }
}

impl Reporter {
    /// Waits until everything emitted so far is shown and written.
    pub fn finish(self) -> Tree {
        self.ending.store(true, Ordering::Release);
        // A reader that panicked has said so on stderr; the run's own result still counts.
        self.thread.join().unwrap_or_default()
    }
}

fn reader(settings: &Settings, out: Box<dyn Write + Send>) -> Box<dyn Reader> {
    match settings.mode {
        Mode::Bars => Box::new(bars::Bars::new(settings.paint, settings.verbose)),
        Mode::Lines => Box::new(lines::Lines::new(out, settings.paint, settings.verbose)),
        Mode::Json => Box::new(json::Json::new(out)),
    }
}

const TICK: Duration = Duration::from_millis(100);

fn read_all(events: &Receiver<Event>, ending: &AtomicBool, mut readers: Vec<Box<dyn Reader>>) -> Tree {
    let mut tree = Tree::default();
    let mut gate = gate::Gate::default();
    loop {
        // Read before the channel is looked at: whatever was emitted before `finish` is then still seen.
        let last = ending.load(Ordering::Acquire);
        let first = events.recv_timeout(if last { Duration::ZERO } else { TICK });
        let done = match &first {
            Err(RecvTimeoutError::Disconnected) => true,
            Err(RecvTimeoutError::Timeout) => last,
            Ok(_) => false,
        };
        for event in first.into_iter().chain(events.try_iter().take(1000)) {
            tree.take(&event);
            if gate.lets(&event) {
                for reader in &mut readers {
                    reader.read(&event, &tree);
                }
            }
        }
        if done {
            break;
        }
        let now = Timestamp::now();
        for reader in &mut readers {
            reader.tick(&tree, now);
        }
    }
    for reader in &mut readers {
        reader.end(&tree);
    }
    tree
}
