//! For CI: `JUnit` XML, a suite a part.

use crate::evaluate::result::{Case, Evaluation, Outcome, Part, Unit};
use crate::machine::xml::{Element, element};

pub fn junit(evaluation: &Evaluation) -> String {
    let suites: Vec<Element> = Part::ALL.into_iter().filter_map(|part| suite(evaluation, part)).collect();
    let all: Vec<&Case> = evaluation.cases.iter().collect();
    let root = counted(element("testsuites").set("name", format!("seedbed evaluate {}", evaluation.cluster)), &all)
        .set("time", format!("{:.3}", evaluation.took))
        .with_all(suites);
    format!("<?xml version='1.0' encoding='UTF-8'?>\n{root}")
}

fn suite(evaluation: &Evaluation, part: Part) -> Option<Element> {
    let cases: Vec<&Case> = evaluation.of(part).collect();
    let suite = element("testsuite").set("name", part.name()).set("timestamp", evaluation.at);
    let suite = counted(suite, &cases).set("time", format!("{:.3}", cases.iter().copied().map(seconds).sum::<f64>()));
    (!cases.is_empty()).then(|| suite.with_all(cases.into_iter().map(|case| self::case(evaluation, case))))
}

fn counted(element: Element, cases: &[&Case]) -> Element {
    let count = |test: fn(&Outcome) -> bool| cases.iter().filter(|case| test(&case.outcome)).count();
    element
        .set("tests", cases.len())
        .set("failures", count(|outcome| outcome.bad()))
        .set("errors", 0)
        .set("skipped", count(|outcome| *outcome == Outcome::Skipped))
}

fn case(evaluation: &Evaluation, case: &Case) -> Element {
    let class = format!("{}.{}", evaluation.cluster, case.part.name());
    let test = element("testcase").set("classname", class).set("name", &case.name);
    let test = test.set("time", format!("{:.3}", seconds(case)));
    match case.outcome {
        Outcome::Passed => test.with(element("system-out").text(&case.detail)),
        Outcome::Skipped => test.with(element("skipped").set("message", &case.detail)),
        Outcome::Failed | Outcome::Worse => {
            let failure = element("failure").set("type", case.outcome.name()).set("message", &case.detail);
            test.with(failure.text(&case.detail))
        }
    }
}

/// A time; none of what counts something else, or came too early.
fn seconds(case: &Case) -> f64 {
    case.value.filter(|_| case.unit == Unit::Seconds).unwrap_or_default().max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::tests::evaluation;

    #[test]
    fn ci_reads_it() {
        let text = junit(&evaluation());
        let document = roxmltree::Document::parse(&text).unwrap();
        let root = document.root_element();
        let counts = ["tests", "failures", "skipped"].map(|name| root.attribute(name).unwrap());
        assert_eq!((root.tag_name().name(), counts), ("testsuites", ["8", "1", "1"]));
        let suites: Vec<&str> =
            root.children().filter(roxmltree::Node::is_element).filter_map(|suite| suite.attribute("name")).collect();
        assert_eq!(suites, ["checks", "order", "rollout", "drift", "steps"]);
        let failure = root.descendants().find(|node| node.has_tag_name("failure")).unwrap();
        assert_eq!(failure.text(), Some("<not> restored & \"put back\""));
        assert_eq!(failure.parent().unwrap().attribute("name"), Some("a ConfigMap's key altered, under a HelmRelease"));
        let rollout = root.descendants().find(|node| node.attribute("name") == Some("to 1.1.0")).unwrap();
        assert_eq!(
            (rollout.attribute("time"), rollout.attribute("classname")),
            (Some("105.000"), Some("demo.rollout"))
        );
    }
}
