//! What lies on the workstation: the plan, and the journal of the last run, also as people read it.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use engine::event::{EventKind, StepId};
use engine::failure::{Failure, Result};

use super::collector::Collector;
use super::content::Content;
use super::ground::Ground;
use super::hosts::last;
use crate::report::{Mode, Paint, Settings, Speed, read_journal, replay, summary};

pub async fn gather(ground: &Ground<'_>, to: &Collector) {
    tokio::join!(plan(ground, to), journal(ground, to));
}

async fn plan(ground: &Ground<'_>, to: &Collector) {
    let read = async {
        let plan = ground.state.applied()?;
        plan.ok_or_else(|| Failure::other("no `up` has planned from here"))
    };
    to.file("plan.json", 5, read).await;
}

async fn journal(ground: &Ground<'_>, to: &Collector) {
    let none = || Failure::other("no run has left one");
    let Ok(path) = to.source("journal", 5, async { ground.state.newest_journal().ok_or_else(none) }).await else {
        return;
    };
    let read = async {
        let bytes = std::fs::read(&path).map_err(|error| Failure::other("it cannot be read").because(&error))?;
        let text = last(&String::from_utf8_lossy(&bytes));
        // A last line that was cut is left out.
        Ok(Content::Lines(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()))
    };
    to.file("journal.jsonl", 5, read).await;
    to.file("run.txt", 5, async { as_lines(&path) }).await;
    to.file("kubeadm.txt", 5, async { kubeadm(&path) }).await;
}

/// The run in lines, with every program's output, and where its time went.
fn as_lines(path: &std::path::Path) -> Result<String> {
    let events = read_journal(path)?;
    let settings = Settings { mode: Mode::Lines, paint: Paint::Never, verbose: true, journal: None };
    let shown = Shown::default();
    let tree = replay(&events, &settings, Speed::AtOnce, Box::new(shown.clone()));
    Ok(format!("{}\n{}", last(&shown.text()), summary(&tree, Paint::Never)))
}

/// What kubeadm wrote, of the journal.
fn kubeadm(path: &std::path::Path) -> Result<String> {
    let mut steps: Vec<StepId> = Vec::new();
    let mut text = String::new();
    for event in read_journal(path)? {
        match event.kind {
            EventKind::Started { name, subject, .. } if name.starts_with("kubeadm") => {
                text.push_str(&format!("== {name} {}\n", subject.unwrap_or_default()));
                steps.push(event.step);
            }
            EventKind::Output { text: line } if steps.contains(&event.step) => text.extend([line.as_str(), "\n"]),
            _ => {}
        }
    }
    if text.is_empty() { Err(Failure::other("the last run did not call kubeadm")) } else { Ok(text) }
}

/// A text that a reader of events writes.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Shown {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
