//! Compares what was measured with the spec's limits and with an earlier evaluation.

use std::path::Path;

use engine::failure::{Failure, Result};

use super::result::{Case, Evaluation, Outcome, Part, Unit, VERSION};
use crate::spec::Limits;

/// Seconds below which a difference between two runs says nothing.
const NOISE: f64 = 2.0;

/// An earlier evaluation, and by how much a new one may be worse.
#[derive(Clone, Debug)]
pub struct Baseline {
    pub evaluation: Evaluation,
    /// A share: 0.2 is a fifth.
    pub margin: f64,
}

impl Baseline {
    /// Reads what `evaluate -o json` or `--write` wrote.
    pub fn read(path: &Path, margin: f64) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::invalid(format!("the baseline {shown} cannot be read")).because(&error))?;
        let wrong = |why: String| {
            Failure::invalid(format!("{shown} is no evaluation"))
                .cause(why)
                .hint("`seedbed evaluate --write DIR` writes evaluation.json, which can be compared with later.")
        };
        let evaluation: Evaluation = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if evaluation.version != VERSION {
            return Err(wrong(format!("its version is {}, this seedbed reads {VERSION}", evaluation.version)));
        }
        Ok(Self { evaluation, margin })
    }

    /// What the earlier evaluation measured of the same thing; nothing where it did not pass.
    fn value(&self, case: &Case) -> Option<f64> {
        let same = |other: &&Case| other.part == case.part && other.name == case.name && other.unit == case.unit;
        let found = self.evaluation.cases.iter().find(same)?;
        found.value.filter(|_| matches!(found.outcome, Outcome::Passed | Outcome::Worse))
    }
}

/// Writes limits and baselines into the cases, and calls worse what is worse than them.
pub fn compare(cases: &mut [Case], limits: &Limits, baseline: Option<&Baseline>) {
    for case in cases.iter_mut() {
        case.limit = limit(case, limits);
        case.baseline = baseline.and_then(|baseline| baseline.value(case));
        let Some(value) = case.value.filter(|_| case.outcome == Outcome::Passed) else { continue };
        if let Some(limit) = case.limit.filter(|limit| value > *limit) {
            worse(case, &format!("over the limit of {}", shown(limit, case.unit)));
        }
        if let (Some(before), Some(baseline)) = (case.baseline, baseline)
            && is_worse(value, before, baseline.margin, case.unit)
        {
            let percent = baseline.margin * 100.0;
            worse(case, &format!("more than {percent:.0} % over the baseline of {}", shown(before, case.unit)));
        }
    }
}

fn limit(case: &Case, limits: &Limits) -> Option<f64> {
    match case.part {
        Part::Runs => limits.up.map(|time| time.as_secs_f64()),
        Part::Rollout => limits.rollout.map(|time| time.as_secs_f64()),
        Part::Drift => limits.drift.map(|time| time.as_secs_f64()),
        Part::Steps if case.name == super::steps::OURS => limits.steps.map(f64::from),
        _ => None,
    }
}

fn is_worse(value: f64, before: f64, margin: f64, unit: Unit) -> bool {
    match unit {
        Unit::Seconds => value > before * (1.0 + margin) && value - before > NOISE,
        Unit::Steps => value > before,
    }
}

fn worse(case: &mut Case, why: &str) {
    case.outcome = Outcome::Worse;
    case.detail = if case.detail.is_empty() { why.to_owned() } else { format!("{}; {why}", case.detail) };
}

/// A value with its unit.
pub fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds if value.abs() < 60.0 => format!("{value:.1} s"),
        Unit::Seconds => {
            let (sign, seconds) = (if value < 0.0 { "-" } else { "" }, value.abs().round());
            format!("{sign}{} min {:02} s", (seconds / 60.0).floor(), seconds % 60.0)
        }
        Unit::Steps => format!("{value:.0} steps"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::evaluate::tests::evaluation;

    fn limits() -> Limits {
        Limits { rollout: Some(Duration::from_secs(90)), drift: Some(Duration::from_secs(600)), ..Limits::default() }
    }

    fn outcome(cases: &[Case], name: &str) -> (Outcome, String) {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        (case.outcome, case.detail.clone())
    }

    #[test]
    fn what_is_over_its_limit_is_worse() {
        let mut cases = evaluation().cases;
        compare(&mut cases, &limits(), None);
        let (worse, why) = outcome(&cases, "to 1.1.0");
        assert_eq!(worse, Outcome::Worse);
        assert!(why.ends_with("over the limit of 1 min 30 s"), "{why}");
        assert_eq!(outcome(&cases, "a Deployment deleted, under a Kustomization").0, Outcome::Passed);
        assert_eq!(
            outcome(&cases, "a ConfigMap's key altered, under a HelmRelease").0,
            Outcome::Failed,
            "no limit mends it"
        );
    }

    #[test]
    fn a_baseline_is_exceeded_by_its_margin_and_more_than_noise() {
        let mut cases = evaluation().cases;
        let mut before = evaluation();
        let set = |cases: &mut Vec<Case>, name: &str, value| {
            cases.iter_mut().find(|case| case.name == name).unwrap().value = Some(value);
        };
        set(&mut before.cases, "to 1.1.0", 80.0);
        set(&mut before.cases, "a Deployment deleted, under a Kustomization", 41.9);
        let baseline = |margin| Baseline { evaluation: before.clone(), margin };
        compare(&mut cases, &Limits::default(), Some(&baseline(0.2)));
        assert_eq!(outcome(&cases, "to 1.1.0").0, Outcome::Worse);
        assert!(outcome(&cases, "to 1.1.0").1.ends_with("more than 20 % over the baseline of 1 min 20 s"));
        assert_eq!(outcome(&cases, "a Deployment deleted, under a Kustomization").0, Outcome::Passed);
        let mut cases = evaluation().cases;
        compare(&mut cases, &Limits::default(), Some(&baseline(0.5)));
        assert_eq!(outcome(&cases, "to 1.1.0").0, Outcome::Passed);
        assert!(!is_worse(3.0, 1.5, 0.2, Unit::Seconds) && is_worse(7.0, 6.0, 0.5, Unit::Steps));
    }

    #[test]
    fn a_baseline_that_is_none_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("baseline.json");
        std::fs::write(&path, "{\"version\": 1}").unwrap();
        assert!(Baseline::read(&path, 0.2).unwrap_err().what.ends_with("is no evaluation"));
        let later = Evaluation { version: VERSION + 1, ..evaluation() };
        std::fs::write(&path, serde_json::to_string(&later).unwrap()).unwrap();
        assert!(Baseline::read(&path, 0.2).unwrap_err().to_string().contains("this seedbed reads 1"));
        std::fs::write(&path, serde_json::to_string(&evaluation()).unwrap()).unwrap();
        assert_eq!(Baseline::read(&path, 0.2).unwrap().evaluation, evaluation());
    }
}
