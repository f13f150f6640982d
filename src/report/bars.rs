//! Moving bars on a terminal. The only file that names indicatif.

use engine::event::{Event, EventKind};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::Timestamp;

use super::text::duration;
use super::tree::{Outcome, StepRecord, Tree};
use super::{Paint, Reader, rows};

/// Draws what is under way, and prints above it what stays.
pub struct Bars {
    multi: MultiProgress,
    drawn: Vec<ProgressBar>,
    paint: Paint,
    verbose: bool,
}

impl Bars {
    pub fn new(paint: Paint, verbose: bool) -> Self {
        Self { multi: MultiProgress::new(), drawn: Vec::new(), paint, verbose }
    }

    fn print(&self, mark: &str, text: &str) {
        // A terminal that has gone must not stop the work.
        let _ = self.multi.println(format!("{mark} {}", text.trim_end().replace('\n', "\n  ")));
    }

    fn ended(&self, tree: &Tree, step: &StepRecord, at: Timestamp) {
        let Some((_, outcome)) = &step.ended else { return };
        let path = tree.path(step.id);
        let took = self.paint.dim(&duration(step.took(at)));
        let worth = self.verbose || step.depth <= 1;
        match outcome {
            Outcome::Changed | Outcome::Unchanged if worth => {
                self.print(&self.paint.green("✓"), &format!("{path} {took}"));
            }
            Outcome::Skipped(reason) if worth => {
                self.print(&self.paint.dim("·"), &format!("{path} {}", self.paint.dim(reason)));
            }
            Outcome::Failed(_, message) => {
                let told = step.children.iter().filter_map(|id| tree.get(*id)).any(StepRecord::failed);
                let message = if told { String::new() } else { format!(": {message}") };
                self.print(&self.paint.red("✗"), &format!("{path} {took}{message}"));
            }
            Outcome::Abandoned if worth => self.print(&self.paint.yellow("-"), &format!("{path} stopped {took}")),
            _ => {}
        }
    }
}

impl Reader for Bars {
    fn read(&mut self, event: &Event, tree: &Tree) {
        let Some(step) = tree.get(event.step) else { return };
        // What is of the whole run needs no path.
        let about = |text: &str| match step.depth {
            0 => text.to_owned(),
            _ => format!("{}: {text}", tree.path(step.id)),
        };
        match &event.kind {
            EventKind::Note { text } => self.print(&self.paint.cyan("i"), &about(text)),
            EventKind::Warning { text } => self.print(&self.paint.yellow("!"), &about(text)),
            EventKind::Output { text } if self.verbose => {
                self.print(" ", &self.paint.dim(&format!("{} | {text}", tree.path(step.id))));
            }
            EventKind::Started { .. }
            | EventKind::Progress { .. }
            | EventKind::Waiting { .. }
            | EventKind::Output { .. } => {}
            EventKind::Finished { .. }
            | EventKind::Skipped { .. }
            | EventKind::Failed { .. }
            | EventKind::Abandoned => self.ended(tree, step, event.at),
        }
    }

    fn tick(&mut self, tree: &Tree, now: Timestamp) {
        let (height, width) = console::Term::stderr().size();
        let rows = rows::rows(tree, now, width.into(), usize::from(height) / 2, self.paint);
        while self.drawn.len() > rows.len() {
            if let Some(bar) = self.drawn.pop() {
                bar.finish_and_clear();
                self.multi.remove(&bar);
            }
        }
        while self.drawn.len() < rows.len() {
            let bar = self.multi.add(ProgressBar::new_spinner());
            // The template is constant, and right.
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            self.drawn.push(bar);
        }
        for (bar, row) in self.drawn.iter().zip(rows) {
            bar.set_message(row);
        }
    }

    fn end(&mut self, _tree: &Tree) {
        let _ = self.multi.clear();
    }
}
