//! A line for each thing that happened: for logs, CI and terminals that cannot move.

use std::collections::HashMap;
use std::io::Write;

use engine::event::{Event, EventKind, StepId};
use jiff::{SignedDuration, Timestamp};

use super::text::{clock, duration};
use super::tree::{Outcome, StepRecord, Tree};
use super::{Paint, Reader};

/// A step is announced when it takes this long; shorter ones are told at their end only.
const SHORT: SignedDuration = SignedDuration::from_secs(1);
/// Between two lines about one step's progress.
const PROGRESS: SignedDuration = SignedDuration::from_secs(10);
/// Without a line for this long, what is under way is told again: a log must not look dead.
const SILENCE: SignedDuration = SignedDuration::from_secs(60);

pub struct Lines {
    out: Box<dyn Write + Send>,
    paint: Paint,
    verbose: bool,
    /// Begun, and not told yet.
    quiet: Vec<StepId>,
    progress: HashMap<StepId, Timestamp>,
    /// When the last line was written.
    last: Option<Timestamp>,
}

impl Lines {
    pub fn new(out: Box<dyn Write + Send>, paint: Paint, verbose: bool) -> Self {
        Self { out, paint, verbose, quiet: Vec::new(), progress: HashMap::new(), last: None }
    }

    fn line(&mut self, tree: &Tree, at: Timestamp, word: &str, text: &str) {
        let word = match word.trim_end() {
            "FAIL" | "drop" => self.paint.red(word),
            "warn" => self.paint.yellow(word),
            "done" => self.paint.green(word),
            _ => self.paint.dim(word),
        };
        self.last = self.last.max(Some(at));
        let since = clock(at.duration_since(tree.start(at)));
        let text = text.trim_end().replace('\n', "\n              ");
        // A terminal that has gone must not stop the work.
        let _ = writeln!(self.out, "{since}  {word}  {text}");
    }

    /// Tells the steps that have run for a while.
    fn announce(&mut self, tree: &Tree, now: Timestamp) {
        let due: Vec<StepId> = self.quiet.extract_if(.., |id| is_due(tree, *id, now)).collect();
        for id in due {
            if let Some(step) = tree.get(id) {
                self.line(tree, step.started, "start", &tree.path(id));
            }
        }
    }

    /// Tells a step and what it lies in, before anything is told of it.
    fn introduce(&mut self, tree: &Tree, step: Option<StepId>) {
        let mut chain: Vec<&StepRecord> = Vec::new();
        let mut next = step.and_then(|id| tree.get(id));
        while let Some(step) = next {
            chain.push(step);
            next = step.parent.and_then(|id| tree.get(id));
        }
        for step in chain.into_iter().rev() {
            if let Some(index) = self.quiet.iter().position(|id| *id == step.id) {
                self.quiet.remove(index);
                self.line(tree, step.started, "start", &tree.path(step.id));
            }
        }
    }

    /// Tells what is under way after a long silence.
    fn remind(&mut self, tree: &Tree, now: Timestamp) {
        if self.last.is_none_or(|last| now.duration_since(last) < SILENCE) {
            return;
        }
        for step in tree.frontier() {
            let took = duration(step.took(now));
            let waiting = step.waiting.as_ref().map(|condition| format!(": {condition}")).unwrap_or_default();
            self.line(tree, now, "still", &format!("{} ({took}){waiting}", tree.path(step.id)));
        }
    }

    fn ended(&mut self, event: &Event, tree: &Tree, step: &StepRecord) {
        let announced = !self.quiet.contains(&step.id);
        self.quiet.retain(|id| *id != step.id);
        let Some((_, outcome)) = &step.ended else { return };
        let path = tree.path(step.id);
        let took = self.paint.dim(&format!("({})", duration(step.took(event.at))));
        let worth = announced || self.verbose || step.depth <= 1;
        if worth || matches!(outcome, Outcome::Changed | Outcome::Failed(..)) {
            self.introduce(tree, step.parent);
        }
        match outcome {
            Outcome::Changed => self.line(tree, event.at, "done ", &format!("{path} {took}")),
            Outcome::Unchanged if worth => self.line(tree, event.at, "same ", &format!("{path} {took}")),
            Outcome::Skipped(reason) if worth => self.line(tree, event.at, "skip ", &format!("{path}: {reason}")),
            Outcome::Failed(_, message) => {
                let told = step.children.iter().filter_map(|id| tree.get(*id)).any(StepRecord::failed);
                let message = if told { String::new() } else { format!(": {message}") };
                self.line(tree, event.at, "FAIL ", &format!("{path} {took}{message}"));
            }
            Outcome::Abandoned if announced => self.line(tree, event.at, "drop ", &format!("{path} {took}")),
            Outcome::Unchanged | Outcome::Skipped(_) | Outcome::Abandoned => {}
        }
    }

    fn progressed(&mut self, event: &Event, tree: &Tree, step: &StepRecord) {
        let last = self.progress.get(&step.id).copied().unwrap_or(step.started);
        if event.at.duration_since(last) < PROGRESS {
            return;
        }
        self.progress.insert(step.id, event.at);
        if let Some(progress) = &step.progress {
            let text = format!("{}: {}", tree.path(step.id), super::rows::progress(progress));
            self.line(tree, event.at, "     ", &text);
        }
    }
}

fn is_due(tree: &Tree, id: StepId, now: Timestamp) -> bool {
    tree.get(id).is_some_and(|step| step.ended.is_none() && now.duration_since(step.started) >= SHORT)
}

impl Reader for Lines {
    fn read(&mut self, event: &Event, tree: &Tree) {
        self.announce(tree, event.at);
        let Some(step) = tree.get(event.step) else { return };
        if matches!(event.kind, EventKind::Waiting { .. } | EventKind::Note { .. } | EventKind::Warning { .. }) {
            self.introduce(tree, Some(step.id));
        }
        // What is of the whole run needs no path.
        let about = |text: &str| match step.depth {
            0 => text.to_owned(),
            _ => format!("{}: {text}", tree.path(step.id)),
        };
        match &event.kind {
            EventKind::Started { .. } => self.quiet.push(event.step),
            EventKind::Progress { .. } => self.progressed(event, tree, step),
            EventKind::Waiting { condition } => self.line(tree, event.at, "wait ", &about(condition)),
            EventKind::Note { text } => self.line(tree, event.at, "note ", &about(text)),
            EventKind::Warning { text } => self.line(tree, event.at, "warn ", &about(text)),
            EventKind::Output { text } if self.verbose => {
                self.line(tree, event.at, "     ", &format!("{} | {text}", tree.path(step.id)));
            }
            EventKind::Output { .. } => {}
            EventKind::Finished { .. }
            | EventKind::Skipped { .. }
            | EventKind::Failed { .. }
            | EventKind::Abandoned => self.ended(event, tree, step),
        }
    }

    fn tick(&mut self, tree: &Tree, now: Timestamp) {
        self.announce(tree, now);
        self.remind(tree, now);
        let _ = self.out.flush();
    }

    fn end(&mut self, _tree: &Tree) {
        let _ = self.out.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::super::replay::tests::{Buffer, journal};
    use super::*;

    #[test]
    fn a_long_silence_is_broken() {
        let buffer = Buffer::default();
        let mut lines = Lines::new(Box::new(buffer.clone()), Paint::Never, false);
        let mut tree = Tree::default();
        for event in journal().iter().filter(|event| event.at < Timestamp::from_second(17).unwrap()) {
            tree.take(event);
            lines.read(event, &tree);
        }
        let before = buffer.text().len();
        lines.tick(&tree, Timestamp::from_second(60).unwrap());
        lines.tick(&tree, Timestamp::from_second(80).unwrap());
        lines.tick(&tree, Timestamp::from_second(90).unwrap());
        insta::assert_snapshot!(&buffer.text()[before..], @r#"
        1:20  still  demo-1: connect (1m06s): demo-1 answers over SSH: connection refused
        1:20  still  demo-2: connect (1m05s): demo-2 answers over SSH: no route to host
        "#);
    }

    #[test]
    fn a_run_as_lines() {
        let buffer = Buffer::default();
        let mut lines = Lines::new(Box::new(buffer.clone()), Paint::Never, false);
        let mut tree = Tree::default();
        for event in journal() {
            tree.take(&event);
            lines.read(&event, &tree);
        }
        insta::assert_snapshot!(buffer.text(), @r#"
        0:00  start  up demo
        0:00  start  artifacts
        0:00  start  artifacts › kubelet: download
        0:10         artifacts › kubelet: download: 83% 47.6 MiB of 57.2 MiB, 4.7 MiB/s
        0:12  done   artifacts › kubelet: download (12.1s)
        0:12  done   artifacts (12.3s)
        0:12  start  demo-1: machines
        0:12  done   demo-1: machines › define the domain (0.4s)
        0:13  warn   demo-1: machines: no KVM here: the machine is emulated
        0:12  start  demo-2: machines
        0:14  done   demo-1: machines (1.7s)
        0:14  done   demo-2: machines (2.2s)
        0:14  start  demo-1: connect
        0:14  start  demo-2: connect
        0:16  wait   demo-1: connect: demo-1 answers over SSH: connection refused
        0:16  wait   demo-2: connect: demo-2 answers over SSH: no route to host
        0:40  same   demo-1: connect (26.0s)
        0:40  start  demo-1: provision
        0:40  done   demo-1: provision › Load kernel modules (0.4s)
        0:40  start  demo-1: provision › Import images
        0:52  same   demo-2: connect (37.5s)
        0:52  start  demo-2: provision
        0:52  start  demo-2: provision › Import images
        1:20  done   demo-1: provision › Import images (39.4s)
        1:20  done   demo-1: provision (40.0s)
        1:20  start  demo-1: kubernetes
        1:20  start  demo-1: kubernetes › kubeadm init
        1:21  note   demo-1: kubernetes › kubeadm init: the API will be https://api.demo.seedbed.internal:6443
        2:00  FAIL   demo-2: provision › Import images (1m07s): command `ctr images import`: exit code 1: no space left on device
        2:00  FAIL   demo-2: provision (1m08s)
        2:00  drop   demo-1: kubernetes › kubeadm init (40.0s)
        2:00  drop   demo-1: kubernetes (40.1s)
        2:00  FAIL   up demo (2m00s)
        "#);
    }
}
