//! The same cluster made anew, several times: how long each run took, and whether all came out the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::portrait::Portrait;
use super::result::{Case, Part, Stretch};

/// As many differences are told of one comparison.
const TOLD: usize = 5;

/// One run, from nothing.
#[derive(Clone, Debug)]
pub struct Made {
    /// How long making it took, without removing the one before.
    pub took: Duration,
    /// By phase, as far as it got.
    pub stretches: Vec<Stretch>,
    /// What came out, or why nothing did.
    pub result: Result<Portrait, String>,
}

/// A case for each run, and what they have in common.
pub fn cases(runs: &[Made]) -> Vec<Case> {
    let mut cases: Vec<Case> = (1..).zip(runs).map(|(number, made)| one(number, made)).collect();
    let good: Vec<(usize, &Portrait)> =
        (1..).zip(runs).filter_map(|(number, made)| Some((number, made.result.as_ref().ok()?))).collect();
    let compared = [
        compared("the same revisions", &good, |portrait| named(&portrait.revisions, " at ")),
        compared("the same objects applied", &good, |portrait| portrait.applied.clone()),
        compared("the same images by digest", &good, |portrait| named(&portrait.images, " is ")),
    ];
    cases.extend(compared);
    cases
}

fn one(number: usize, made: &Made) -> Case {
    let name = format!("run {number}");
    let case = match &made.result {
        Ok(portrait) => {
            let Portrait { applied, images, .. } = portrait;
            let what = format!("everything Ready, checks passed; {} objects, {} images", applied.len(), images.len());
            Case::passed(Part::Runs, name, what).measured(made.took.as_secs_f64())
        }
        Err(why) => Case::failed(Part::Runs, name, why),
    };
    Case { stretches: made.stretches.clone(), ..case }
}

fn named(map: &BTreeMap<String, String>, between: &str) -> BTreeSet<String> {
    map.iter().map(|(name, value)| format!("{name}{between}{value}")).collect()
}

/// Compares every good run with the first good one.
fn compared(name: &str, good: &[(usize, &Portrait)], of: impl Fn(&Portrait) -> BTreeSet<String>) -> Case {
    let Some(((first, portrait), others)) = good.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Case::skipped(Part::Runs, name, "it takes two runs that went well");
    };
    let wanted = of(portrait);
    let mut differences = Vec::new();
    for (number, portrait) in others {
        let found = of(portrait);
        differences.extend(wanted.difference(&found).map(|what| format!("{what} in run {first}, not in run {number}")));
        differences.extend(found.difference(&wanted).map(|what| format!("{what} in run {number}, not in run {first}")));
    }
    if differences.is_empty() {
        return Case::passed(Part::Runs, name, format!("{} in each of {} runs", wanted.len(), good.len()));
    }
    let more = differences.len().saturating_sub(TOLD);
    differences.truncate(TOLD);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Case::failed(Part::Runs, name, differences.join("; ") + &more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::result::Outcome;

    fn made(images: &[(&str, &str)]) -> Made {
        let images = images.iter().map(|(name, digest)| ((*name).into(), (*digest).into())).collect();
        let stretches = vec![Stretch { name: "machines".into(), seconds: 2.0 }];
        let portrait = Portrait { images, ..Portrait::default() };
        Made { took: Duration::from_secs(60), stretches, result: Ok(portrait) }
    }

    fn failed() -> Made {
        let why = "no machine answers".to_owned();
        Made { took: Duration::from_secs(9), stretches: Vec::new(), result: Err(why) }
    }

    fn case(runs: &[Made], name: &str) -> (Outcome, Option<f64>, String) {
        let case = cases(runs).into_iter().find(|case| case.name == name).unwrap();
        (case.outcome, case.value, case.detail)
    }

    #[test]
    fn a_run_that_fails_says_why_and_hides_no_other() {
        let runs = [made(&[("web:1", "sha256:aa")]), failed(), made(&[("web:1", "sha256:aa")])];
        assert_eq!(case(&runs, "run 1").0, Outcome::Passed);
        assert_eq!(case(&runs, "run 2"), (Outcome::Failed, None, "no machine answers".into()));
        assert_eq!(case(&runs, "run 3").1, Some(60.0));
        let same = case(&runs, "the same images by digest");
        assert_eq!(same, (Outcome::Passed, None, "1 in each of 2 runs".into()));
    }

    #[test]
    fn what_differs_is_named() {
        let runs = [made(&[("web:1", "sha256:aa")]), made(&[("web:1", "sha256:bb")])];
        let (outcome, _, why) = case(&runs, "the same images by digest");
        assert_eq!(outcome, Outcome::Failed);
        assert_eq!(why, "web:1 is sha256:aa in run 1, not in run 2; web:1 is sha256:bb in run 2, not in run 1");
        let many: Vec<String> = (0..9).map(|number| format!("web:{number}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "sha256:aa")).collect();
        let (_, _, why) = case(&[made(&many), made(&[])], "the same images by digest");
        assert!(why.ends_with("; and 4 more"), "{why}");
    }

    #[test]
    fn one_run_is_compared_with_nothing() {
        assert_eq!(case(&[made(&[])], "the same revisions").0, Outcome::Skipped);
        assert_eq!(case(&[made(&[]), failed()], "the same objects applied").0, Outcome::Skipped);
    }
}
