//! The journal: every event of a run in a file that only its owner may read.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use engine::event::Event;
use engine::failure::Result;
use jiff::Timestamp;

use super::{Reader, Tree};
use crate::state::private_directory;

/// Writes the journal; opened at the first event, so that a run that did nothing leaves none.
pub struct Journal {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    broken: bool,
}

impl Journal {
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None, broken: false }
    }

    fn write(&mut self, event: &Event) -> Result<(), String> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(open(&self.path)?),
        };
        serde_json::to_writer(&mut *file, event).map_err(|error| error.to_string())?;
        file.write_all(b"\n").map_err(|error| error.to_string())
    }
}

fn open(path: &std::path::Path) -> Result<BufWriter<File>, String> {
    if let Some(directory) = path.parent() {
        private_directory(directory).map_err(|failure| failure.to_string())?;
    }
    let file = OpenOptions::new().create_new(true).append(true).mode(0o600).open(path);
    file.map(BufWriter::new).map_err(|error| error.to_string())
}

impl Reader for Journal {
    fn read(&mut self, event: &Event, _tree: &Tree) {
        if self.broken {
            return;
        }
        if let Err(error) = self.write(event) {
            // A full disk must not stop the run; it is said once.
            self.broken = true;
            let _ = writeln!(std::io::stderr(), "warning: no journal at {}: {error}", self.path.display());
        }
    }

    fn tick(&mut self, _tree: &Tree, _now: Timestamp) {
        // So that a run that is killed leaves what it did.
        if let Some(file) = &mut self.file {
            let _ = file.flush();
        }
    }

    fn end(&mut self, _tree: &Tree) {
        self.tick(&Tree::default(), Timestamp::UNIX_EPOCH);
    }
}
