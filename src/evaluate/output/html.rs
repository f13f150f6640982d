//! One page with charts, which needs no script and nothing from elsewhere. It is well-formed XML, too.

use super::chart::chart;
use super::text::{beside, counts};
use crate::evaluate::compare::shown;
use crate::evaluate::result::{Case, Evaluation, Part, Unit};
use crate::machine::xml::{Element, element};

/// Without what XML escapes: a browser reads a style sheet as it stands. The colours are readable on white and on black.
const STYLE: &str = ":root { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --grey: #6e7781;
  --s0: #0969da; --s1: #8250df; --s2: #9a6700; --s3: #1a7f37; --s4: #57606a;
  --s5: #bc4c00; --s6: #1b7c83; --s7: #bf3989; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #ff7b72; --grey: #9198a1;
  --s0: #58a6ff; --s1: #bc8cff; --s2: #d29922; --s3: #3fb950; --s4: #8b949e;
  --s5: #f0883e; --s6: #39c5cf; --s7: #f778ba; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; margin: 0.5rem 0 2rem; }
td, th { text-align: left; vertical-align: top; padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid #8884; }
td { overflow-wrap: anywhere; }
@media (min-width: 40rem) { th { width: 5rem; } th + th { width: 26%; } th + th + th { width: 18%; }
  th + th + th + th { width: auto; } }
@media (max-width: 40rem) { th { display: inline-block; border: 0; } td { display: block; border: 0; padding: 0; }
  tr { display: block; padding: 0.5rem 0; border-bottom: 1px solid #8884; } }
.passed { color: var(--good); } .failed, .worse { color: var(--bad); font-weight: bold; } .skipped { color: var(--grey); }
svg { width: 100%; height: auto; } svg text { fill: currentColor; font-size: 14px; }
.good { fill: var(--good); } .bad { fill: var(--bad); }
.s0 { fill: var(--s0); } .s1 { fill: var(--s1); } .s2 { fill: var(--s2); } .s3 { fill: var(--s3); } .s4 { fill: var(--s4); }
.s5 { fill: var(--s5); } .s6 { fill: var(--s6); } .s7 { fill: var(--s7); }
line { stroke-width: 2; } .interval { stroke: var(--grey); }
.limit { stroke: var(--bad); stroke-dasharray: 4 3; } .baseline { stroke: var(--s0); stroke-dasharray: 1 3; }";

pub fn html(evaluation: &Evaluation) -> String {
    let title = format!("{} evaluated", evaluation.cluster);
    let head = element("head")
        .with(element("meta").set("charset", "utf-8"))
        .with(element("meta").set("name", "viewport").set("content", "width=device-width"))
        .with(element("title").text(&title))
        .with(element("style").text(STYLE.replace('\n', " ")));
    let about = format!(
        "{}, {} machines, took {}, seedbed {}. {}.",
        evaluation.at,
        evaluation.pace,
        shown(evaluation.took, Unit::Seconds),
        evaluation.seedbed,
        counts(evaluation)
    );
    let body = element("body").with(element("h1").text(title)).with(element("p").text(about));
    let body = body.with_all(Part::ALL.into_iter().flat_map(|part| section(evaluation, part)));
    let page = element("html").set("lang", "en").with(head).with(body);
    format!("<!DOCTYPE html>\n{page}")
}

fn section(evaluation: &Evaluation, part: Part) -> Vec<Element> {
    let cases: Vec<&Case> = evaluation.of(part).collect();
    if cases.is_empty() {
        return Vec::new();
    }
    let mut section = vec![element("h2").set("id", part.name()).text(part.name()), element("p").text(meaning(part))];
    section.extend(chart(&cases));
    let heads = ["", "what", "measured", "seen"].map(|name| element("th").text(name));
    let head = element("tr").with_all(heads);
    section.push(element("table").with(head).with_all(cases.into_iter().map(row)));
    section
}

fn row(case: &Case) -> Element {
    let mut number = case.value.map(|value| shown(value, case.unit)).into_iter().chain(beside(case));
    let first = number.next().unwrap_or_default();
    let rest: Vec<String> = number.collect();
    let number = if rest.is_empty() { first } else { format!("{first} ({})", rest.join(", ")) };
    let stretches = case.stretches.iter();
    let stretches: String = stretches.map(|stretch| format!("{} {:.1} s; ", stretch.name, stretch.seconds)).collect();
    element("tr")
        .with(element("td").set("class", case.outcome.name()).text(case.outcome.name()))
        .with(element("td").text(&case.name))
        .with(element("td").text(number))
        .with(element("td").text(format!("{stretches}{}", case.detail)))
}

fn meaning(part: Part) -> &'static str {
    match part {
        Part::Runs => {
            "The cluster removed and made anew: how long each run took, by phase, and whether all came out the same."
        }
        Part::Checks => "What the spec's checks ask, and how long it took until each held.",
        Part::Order => "How long after a tier's first Ready the first object of the tier that depends on it was made.",
        Part::Rollout => "From making the commit until everything is Ready at it.",
        Part::Drift => {
            "From an alteration by hand until the object is as in Git again. Nothing is nudged: the grey mark is the \
             interval at which Flux looks."
        }
        Part::Steps => "Manual steps from a fresh machine to a synced cluster.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::tests::evaluation;

    #[test]
    fn the_page_is_well_formed_and_needs_nothing_else() {
        let page = html(&evaluation());
        let rest = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
        let document = roxmltree::Document::parse(rest).unwrap();
        let count = |name: &str| document.descendants().filter(|node| node.tag_name().name() == name).count();
        assert_eq!((count("svg"), count("table")), (5, 5));
        assert_eq!(count("tr"), 5 + evaluation().cases.len());
        assert_eq!((count("script"), count("link"), count("img")), (0, 0, 0));
        assert!(!page.contains("src=") && !page.contains("href=") && !STYLE.contains(['&', '<', '>', '"', '\'']));
        // Only these may be empty in HTML.
        let void = |name: &str| ["meta"].contains(&name);
        for line in page.lines().filter(|line| line.trim_end().ends_with("/>")) {
            let name: String = line.trim_start()[1..].chars().take_while(char::is_ascii_alphanumeric).collect();
            assert!(void(&name), "{line}");
        }
    }

    #[test]
    fn stretches_and_marks_are_drawn() {
        let page = html(&evaluation());
        let drawn = |class: &str| page.matches(&format!("class='{class}'")).count();
        assert_eq!((drawn("s0"), drawn("s3")), (2, 2), "a bar and its legend");
        assert_eq!((drawn("interval"), drawn("limit")), (1, 0));
    }
}
