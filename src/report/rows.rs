//! What is under way, a row each: pure, so that it is tested without a terminal.

use engine::event::Unit;
use jiff::Timestamp;

use super::Paint;
use super::text::{bytes, clock, duration};
use super::tree::{Progress, StepRecord, Tree};

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// The rows of a moment: the clock, then what is under way; no more than fit.
pub fn rows(tree: &Tree, now: Timestamp, width: usize, height: usize, paint: Paint) -> Vec<String> {
    let beat = usize::try_from(now.as_millisecond() / 100).unwrap_or(0) % SPINNER.len();
    let all: Vec<&StepRecord> = tree.frontier().collect();
    let places = height.saturating_sub(2).max(1);
    let mut drawn: Vec<String> =
        all.iter().take(places).map(|step| row(tree, step, now, SPINNER[beat], paint)).collect();
    if all.len() > places {
        drawn.push(paint.dim(&format!("  and {} more", all.len() - places)));
    }
    if !drawn.is_empty() {
        let elapsed = clock(now.duration_since(tree.start(now)));
        let root = tree.steps().next().map(StepRecord::label).unwrap_or_default();
        drawn.insert(0, paint.dim(&format!("{elapsed}  {root}")));
    }
    drawn.iter().map(|line| console::truncate_str(line, width.saturating_sub(1), "…").into_owned()).collect()
}

fn row(tree: &Tree, step: &StepRecord, now: Timestamp, spinner: &str, paint: Paint) -> String {
    let mut row = format!("{} {} {}", paint.cyan(spinner), tree.path(step.id), paint.dim(&duration(step.took(now))));
    if let Some(told) = &step.progress {
        row.extend(["  ", &bar(told, paint), &progress(told)]);
    }
    if let Some(condition) = &step.waiting {
        row += &paint.dim(&format!("  {}", condition.lines().next().unwrap_or_default()));
    }
    row
}

fn bar(progress: &Progress, paint: Paint) -> String {
    const CELLS: u64 = 20;
    let Some(total) = progress.total.filter(|total| *total > 0) else { return String::new() };
    let cells = usize::try_from(progress.done.min(total).saturating_mul(CELLS) / total).unwrap_or(0);
    let (full, rest) = ("━".repeat(cells), "━".repeat(20 - cells.min(20)));
    format!("{}{} ", paint.green(&full), paint.dim(&rest))
}

/// `34% 12.0 MiB of 35.1 MiB, 3.0 MiB/s`.
pub fn progress(progress: &Progress) -> String {
    let show = |count: u64| match progress.unit {
        Unit::Bytes => bytes(count),
        Unit::Items => count.to_string(),
    };
    let mut text = match progress.total.filter(|total| *total > 0) {
        Some(total) => {
            let percent = progress.done.min(total).saturating_mul(100) / total;
            format!("{percent:>2}% {} of {}", show(progress.done), show(total))
        }
        None => show(progress.done),
    };
    if let (Unit::Bytes, Some(speed)) = (progress.unit, progress.speed()) {
        text.extend([", ", &bytes(speed), "/s"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::replay::tests::journal;
    use super::*;

    #[test]
    fn a_moment_as_rows() {
        let mut tree = Tree::default();
        let events = journal();
        let middle = events.iter().position(|event| event.at.as_millisecond() > 45_000).unwrap();
        for event in &events[..middle] {
            tree.take(event);
        }
        let now = Timestamp::from_second(45).unwrap();
        let text = rows(&tree, now, 100, 24, Paint::Never).join("\n");
        insta::assert_snapshot!(text, @r#"
          0:45  up demo
        ⠋ demo-2: connect 30.5s  demo-2 answers over SSH: no route to host
        ⠋ demo-1: provision › Import images 4.4s  ━━━━━━━━━━━━━━━━━━━━ 33% 3 of 9
        "#);
        assert_eq!(rows(&tree, now, 30, 3, Paint::Never).len(), 3, "the rows fit a small terminal");
        assert!(rows(&tree, now, 30, 24, Paint::Always).iter().all(|row| console::measure_text_width(row) < 30));
    }
}
