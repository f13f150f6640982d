//! For people.

use crate::evaluate::compare::shown;
use crate::evaluate::result::{Case, Evaluation, Outcome, Part, Unit};
use crate::report::Paint;

pub fn text(evaluation: &Evaluation, paint: Paint) -> String {
    let took = shown(evaluation.took, Unit::Seconds);
    let Evaluation { cluster, at, pace, .. } = evaluation;
    let mut text = format!("{} at {at}, {pace} machines, took {took}\n", paint.bold(cluster));
    for part in Part::ALL {
        let cases: Vec<&Case> = evaluation.of(part).collect();
        if cases.is_empty() {
            continue;
        }
        text += &format!("\n{}\n", paint.bold(part.name()));
        text.extend(cases.into_iter().map(|case| one(case, paint)));
    }
    text + "\n" + &counts(evaluation) + "\n"
}

/// `3 passed, 1 worse`.
pub fn counts(evaluation: &Evaluation) -> String {
    let all = [Outcome::Passed, Outcome::Failed, Outcome::Worse, Outcome::Skipped];
    let count = |outcome| evaluation.cases.iter().filter(|case| case.outcome == outcome).count();
    let told = all.map(|outcome| (count(outcome), outcome.name())).into_iter().filter(|(count, _)| *count > 0);
    told.map(|(count, name)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

fn one(case: &Case, paint: Paint) -> String {
    let word = format!("{:<7}", case.outcome.name());
    let word = match case.outcome {
        Outcome::Passed => paint.green(&word),
        Outcome::Failed | Outcome::Worse => paint.red(&word),
        Outcome::Skipped => paint.dim(&word),
    };
    let mut text = format!("  {word}  {}", case.name);
    if let Some(value) = case.value {
        text += &format!(": {}", paint.bold(&shown(value, case.unit)));
    }
    let beside = beside(case);
    if !beside.is_empty() {
        text += &format!(" ({})", beside.join(", "));
    }
    text.push('\n');
    if !case.stretches.is_empty() {
        let stretches = case.stretches.iter();
        let told = stretches.map(|stretch| format!("{} {}", stretch.name, shown(stretch.seconds, Unit::Seconds)));
        text += &format!("           {}\n", told.collect::<Vec<_>>().join(", "));
    }
    if !case.detail.is_empty() {
        text += &format!("           {}\n", paint.dim(&case.detail));
    }
    text
}

/// What a value is seen beside: interval, limit, baseline.
pub fn beside(case: &Case) -> Vec<String> {
    let told = |name: &str, value: Option<f64>| value.map(|value| format!("{name} {}", shown(value, case.unit)));
    let all = [told("looked at every", case.interval), told("limit", case.limit), told("baseline", case.baseline)];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::tests::evaluation;

    #[test]
    fn people_read_it() {
        insta::assert_snapshot!(text(&evaluation(), Paint::Never), @r#"
        demo at 2026-11-23T15:00:00Z, native machines, took 5 min 22 s

        checks
          passed   answers: 0.5 s
                   200: ok

        order
          passed   Kustomization/flux-system/apps after Kustomization/flux-system/infrastructure: 3.0 s

        rollout
          passed   to 1.1.0: 1 min 45 s
                   committed 2.5 s, fetched 4.0 s, applied 20.0 s, pods ready 1 min 19 s
                   by a commit; Deployment/apps/sample runs it

        drift
          passed   a Deployment deleted, under a Kustomization: 42.0 s (looked at every 1 min 00 s)
                   Deployment/apps/sample
          skipped  replicas changed, under a Kustomization
                   Git sets no replicas
          failed   a ConfigMap's key altered, under a HelmRelease (looked at every 10 min 00 s)
                   <not> restored & "put back"

        steps
          passed   seedbed: 2 steps
          passed   the old way, documented: 6 steps

        6 passed, 1 failed, 1 skipped
        "#);
    }
}
