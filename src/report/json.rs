//! Events as JSON, one object a line.

use std::io::Write;

use engine::event::{Event, VERSION};
use engine::failure::Failure;

use super::{Reader, Tree};

pub struct Json {
    out: Box<dyn Write + Send>,
}

impl Json {
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out }
    }
}

impl Reader for Json {
    fn read(&mut self, event: &Event, _tree: &Tree) {
        if let Ok(line) = serde_json::to_string(event) {
            // A reader of ours that has gone must not stop the work.
            let _ = writeln!(self.out, "{line}");
        }
    }
}

/// A failure of the whole run, as the last lines of `--report json`.
pub fn failure(failure: &Failure) -> serde_json::Value {
    serde_json::json!({
        "version": VERSION,
        "kind": "error",
        "failure": failure.kind,
        "exit_code": crate::error::code(failure.kind),
        "what": failure.what,
        "place": failure.place.as_ref().map(ToString::to_string),
        "causes": failure.causes,
        "evidence": failure.evidence,
        "hints": failure.hints,
    })
}
