//! Where the time of a run went: by phase, and along the critical path.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::critical::{self, Stretch};
use super::text::duration;
use super::{Outcome, Paint, Tree};
use crate::phase::Phase;

/// As many stretches of the critical path are shown; the shortest are left out.
const SHOWN: usize = 12;

/// The end of a run: its length, the time of each phase, and the critical path.
pub fn summary(tree: &Tree, paint: Paint) -> String {
    let Some((start, end)) = tree.span() else { return String::new() };
    let total = end.duration_since(start);
    let root = tree.steps().next().map(super::StepRecord::label).unwrap_or_default();
    let mut text = format!("{} took {}: {}\n", paint.bold(&root), duration(total), outcome(tree));
    for phase in Phase::ALL {
        if let Some(spent) = spent(tree, phase.name(), end) {
            let _ = writeln!(text, "  {:<11} {:>7}", phase.name(), duration(spent));
        }
    }
    // A run of a few seconds has no path worth reading.
    if total >= SignedDuration::from_secs(10) {
        text += &critical_path(tree, total, paint);
    }
    text
}

/// The same as data, in seconds: `{took, phases: {NAME: SECONDS}, criticalPath: [{step, took}]}`.
pub fn summary_data(tree: &Tree) -> Value {
    let Some((start, end)) = tree.span() else { return Value::Null };
    let phases = Phase::ALL.iter().filter_map(|phase| Some((phase.name(), spent(tree, phase.name(), end)?)));
    let phases: Map<String, Value> =
        phases.map(|(name, spent)| (name.to_owned(), json!(spent.as_secs_f64()))).collect();
    let stretch = |stretch: &Stretch| json!({"step": tree.path(stretch.step), "took": stretch.length().as_secs_f64()});
    let path: Vec<Value> = critical::path(tree).iter().map(stretch).collect();
    let took = end.duration_since(start).as_secs_f64();
    json!({"started": start.to_string(), "took": took, "phases": phases, "criticalPath": path})
}

fn outcome(tree: &Tree) -> String {
    let ended = |wanted: fn(&Outcome) -> bool| {
        let leaves = tree.steps().filter(|step| step.children.is_empty());
        leaves.filter(|step| step.ended.as_ref().is_some_and(|(_, outcome)| wanted(outcome))).count()
    };
    let mut parts = vec![
        format!("{} changed", ended(|outcome| *outcome == Outcome::Changed)),
        format!("{} as they were", ended(|outcome| matches!(outcome, Outcome::Unchanged | Outcome::Skipped(_)))),
    ];
    let failed = ended(|outcome| matches!(outcome, Outcome::Failed(..)));
    let stopped = ended(|outcome| *outcome == Outcome::Abandoned);
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if stopped > 0 {
        parts.push(format!("{stopped} stopped"));
    }
    parts.join(", ")
}

/// The time of each phase without what an earlier one overlaps, so that they add up to no more than the whole.
pub fn stretches(tree: &Tree) -> Vec<(Phase, SignedDuration)> {
    let Some((start, end)) = tree.span() else { return Vec::new() };
    let mut covered = start;
    let stretch = |phase: &Phase| Some((*phase, beyond(&mut covered, spans(tree, phase.name(), end)?)));
    Phase::ALL.iter().filter_map(stretch).collect()
}

/// How long any step of this name was under way; overlapping ones count once.
fn spent(tree: &Tree, name: &str, end: Timestamp) -> Option<SignedDuration> {
    let spans = spans(tree, name, end)?;
    let mut covered = spans.first()?.0;
    Some(beyond(&mut covered, spans))
}

type Span = (Timestamp, Timestamp);

/// When steps of this name were under way, in time's order; nothing where there was none.
fn spans(tree: &Tree, name: &str, end: Timestamp) -> Option<Vec<Span>> {
    let named = tree.steps().filter(|step| step.name == name);
    let mut spans: Vec<_> = named.map(|step| (step.started, step.ended.as_ref().map_or(end, |(at, _)| *at))).collect();
    spans.sort();
    (!spans.is_empty()).then_some(spans)
}

/// How long spans are beyond what is covered, which grows by them.
fn beyond(covered: &mut Timestamp, spans: Vec<Span>) -> SignedDuration {
    let mut spent = SignedDuration::ZERO;
    for (from, to) in spans {
        if to > *covered {
            spent += to.duration_since(from.max(*covered));
            *covered = to;
        }
    }
    spent
}

fn critical_path(tree: &Tree, total: SignedDuration, paint: Paint) -> String {
    let path = critical::path(tree);
    let mut longest: Vec<&Stretch> = path.iter().filter(|stretch| stretch.length() * 50 >= total).collect();
    longest.sort_by_key(|stretch| std::cmp::Reverse(stretch.length()));
    longest.truncate(SHOWN);
    longest.sort_by_key(|stretch| stretch.from);
    let mut text = String::from("critical path\n");
    for stretch in &longest {
        let _ = writeln!(text, "  {:>7}  {}", duration(stretch.length()), tree.path(stretch.step));
    }
    let rest = path.len() - longest.len();
    if rest > 0 {
        let known: SignedDuration = longest.iter().map(|stretch| stretch.length()).sum();
        let line = format!("  {:>7}  {rest} shorter steps", duration(total - known));
        let _ = writeln!(text, "{}", paint.dim(&line));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::replay::tests::journal;
    use super::*;

    #[test]
    fn a_run_is_summed_up() {
        let mut tree = Tree::default();
        for event in &journal() {
            tree.take(event);
        }
        insta::assert_snapshot!(summary(&tree, Paint::Never), @r#"
        up demo took 2m00s: 5 changed, 3 as they were, 1 failed, 1 stopped
          artifacts     12.3s
          machines       2.2s
          connect       38.0s
          provision     1m20s
          kubernetes    40.1s
        critical path
            12.1s  artifacts › kubelet: download
            26.0s  demo-1: connect
            39.4s  demo-1: provision › Import images
            40.0s  demo-1: kubernetes › kubeadm init
             2.7s  9 shorter steps
        "#);
        let data = summary_data(&tree);
        let seconds = |value: &Value| value.as_f64().unwrap().round();
        assert_eq!((seconds(&data["took"]), seconds(&data["phases"]["provision"])), (120.0, 80.0));
        assert!(
            data["criticalPath"]
                .as_array()
                .unwrap()
                .iter()
                .any(|stretch| stretch["step"] == "artifacts › kubelet: download")
        );
    }
}
