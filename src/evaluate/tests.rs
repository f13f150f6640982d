//! An evaluation with something of everything, for the tests of comparisons and outputs.

use super::result::{Case, Evaluation, Outcome, Part, Stretch, Unit, VERSION};

pub fn evaluation() -> Evaluation {
    let stretch = |name: &str, seconds| Stretch { name: name.into(), seconds };
    let rollout = Case {
        stretches: vec![
            stretch("committed", 2.5),
            stretch("fetched", 4.0),
            stretch("applied", 20.0),
            stretch("pods ready", 78.5),
        ],
        ..Case::passed(Part::Rollout, "to 1.1.0", "by a commit; Deployment/apps/sample runs it").measured(105.0)
    };
    let drift = |name: &str| Case { interval: Some(60.0), ..Case::passed(Part::Drift, name, "Deployment/apps/sample") };
    let lost = Case {
        outcome: Outcome::Failed,
        interval: Some(600.0),
        ..Case::failed(Part::Drift, "a ConfigMap's key altered, under a HelmRelease", "<not> restored & \"put back\"")
    };
    let steps = |name: &str, count| Case { unit: Unit::Steps, ..Case::passed(Part::Steps, name, "").measured(count) };
    Evaluation {
        version: VERSION,
        seedbed: "0.1.0".into(),
        cluster: "demo".into(),
        at: "2026-11-23T15:00:00Z".parse().unwrap(),
        took: 321.5,
        pace: "native".into(),
        cases: vec![
            Case::passed(Part::Checks, "answers", "200: ok").measured(0.5),
            Case::passed(
                Part::Order,
                "Kustomization/flux-system/apps after Kustomization/flux-system/infrastructure",
                "",
            )
            .measured(3.0),
            rollout,
            drift("a Deployment deleted, under a Kustomization").measured(42.0),
            Case::skipped(Part::Drift, "replicas changed, under a Kustomization", "Git sets no replicas"),
            lost,
            steps(super::steps::OURS, 2.0),
            steps("the old way, documented", 6.0),
        ],
    }
}
