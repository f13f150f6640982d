//! How many manual steps lead from a fresh machine to a synced cluster: seedbed's, beside those of the old way.

use serde::Deserialize;

use super::result::{Case, Part, Unit};

/// Each step with its source; seedbed's are lines of the README, which a test looks for.
const FILE: &str = include_str!("steps.json");

/// The name of the case that a limit is for.
pub const OURS: &str = "seedbed";

#[derive(Debug, Deserialize)]
struct Steps {
    source: String,
    old: Vec<Old>,
    seedbed: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Old {
    step: String,
    kind: String,
    #[serde(rename = "for")]
    who: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Step {
    step: String,
    kind: String,
    #[cfg(test)]
    source: String,
}

/// Counts the steps of both ways.
pub fn steps() -> Vec<Case> {
    let steps: Steps = match serde_json::from_str(FILE) {
        Ok(steps) => steps,
        Err(error) => return vec![Case::failed(Part::Steps, OURS, format!("steps.json: {error}"))],
    };
    let ours = steps.seedbed.iter().map(|step| (step.step.as_str(), step.kind.as_str())).collect();
    let mut cases = vec![case(OURS, ours, "the README")];
    for (who, name) in [
        ("documented", "the old way, as documented"),
        ("member", "the old way, for a member of the team"),
        ("outsider", "the old way, for anyone else"),
    ] {
        let theirs = steps.old.iter().filter(|step| step.who.iter().any(|one| one == who));
        let theirs = theirs.map(|step| (step.step.as_str(), step.kind.as_str())).collect();
        cases.push(case(name, theirs, &steps.source));
    }
    cases
}

fn case(name: &str, steps: Vec<(&str, &str)>, source: &str) -> Case {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for (_, kind) in &steps {
        match kinds.iter_mut().find(|(known, _)| known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let kinds: Vec<String> = kinds.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let all: Vec<&str> = steps.iter().map(|(step, _)| *step).collect();
    let detail = format!("{}: {} (from {source})", kinds.join(", "), all.join("; "));
    let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    Case { unit: Unit::Steps, ..Case::passed(Part::Steps, name, detail).measured(count.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_those_of_the_sources() {
        let counts: Vec<(String, Option<f64>)> = steps().into_iter().map(|case| (case.name, case.value)).collect();
        let expected = [
            (OURS, 3.0),
            ("the old way, as documented", 6.0),
            ("the old way, for a member of the team", 15.0),
            ("the old way, for anyone else", 17.0),
        ];
        assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), Some(count))));
        assert!(steps()[1].detail.starts_with("4 typed, 1 browser, 1 edited: "), "{}", steps()[1].detail);
    }

    #[test]
    fn the_readme_asks_for_each_of_our_steps() {
        let readme = include_str!("../../README.md");
        let steps: Steps = serde_json::from_str(FILE).unwrap();
        for step in steps.seedbed {
            assert!(readme.contains(&step.source), "{}: `{}` is not in the README", step.step, step.source);
        }
    }
}
