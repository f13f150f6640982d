//! A bar for each case of a part, as inline SVG.

use crate::evaluate::compare::shown;
use crate::evaluate::result::{Case, Outcome, Stretch};
use crate::machine::xml::{Element, element};

/// Pixels of the drawing; it is scaled to the page.
const WIDTH: f64 = 960.0;
const LABELS: f64 = 430.0;
const BARS: f64 = 410.0;
const ROW: f64 = 30.0;
/// The kinds of colours that the style sheet has for stretches.
const COLOURS: usize = 8;

/// Draws the cases that have a value; nothing where none has.
pub fn chart(cases: &[&Case]) -> Option<Element> {
    let measured: Vec<&Case> = cases.iter().copied().filter(|case| case.value.is_some()).collect();
    let all = measured.iter().flat_map(|case| [case.value, case.interval, case.limit, case.baseline]);
    let most = all.flatten().fold(0.0_f64, f64::max);
    if measured.is_empty() {
        return None;
    }
    let scale = BARS / most.max(0.001);
    let mut height = 0.0;
    let mut rows = Vec::new();
    for case in &measured {
        rows.extend(row(case, height, scale));
        height += ROW;
    }
    let (legend, height) = legend(&stretches(&measured), height);
    rows.extend(legend);
    let about = "A bar for each measurement; the table below has the numbers.";
    let drawing = element("svg")
        .set("xmlns", "http://www.w3.org/2000/svg")
        .set("viewBox", format!("0 0 {WIDTH} {height}"))
        .set("role", "img")
        .with(element("title").text(about));
    Some(drawing.with_all(rows))
}

fn row(case: &Case, top: f64, scale: f64) -> Vec<Element> {
    let value = case.value.unwrap_or_default().max(0.0);
    let mut row = vec![text(LABELS - 10.0, top, &shortened(&case.name)).set("text-anchor", "end")];
    if case.stretches.is_empty() {
        let class = if case.outcome == Outcome::Passed { "good" } else { "bad" };
        row.push(bar(LABELS, top, value * scale, class, &case.name));
    }
    let mut from = LABELS;
    for (index, stretch) in case.stretches.iter().enumerate() {
        let width = stretch.seconds.max(0.0) * scale;
        let told = format!("{}: {:.1} s", stretch.name, stretch.seconds);
        row.push(bar(from, top, width, &format!("s{}", index % COLOURS), &told));
        from += width;
    }
    let marks = [("interval", case.interval), ("limit", case.limit), ("baseline", case.baseline)];
    for (class, mark) in marks {
        row.extend(
            mark.map(|mark| line(LABELS + mark * scale, top, class, &format!("{class} {}", shown(mark, case.unit)))),
        );
    }
    row.push(text(LABELS + value * scale + 6.0, top, &shown(case.value.unwrap_or_default(), case.unit)));
    row
}

fn bar(left: f64, top: f64, width: f64, class: &str, told: &str) -> Element {
    element("rect")
        .set("x", format!("{left:.1}"))
        .set("y", format!("{:.1}", top + 5.0))
        .set("width", format!("{width:.1}"))
        .set("height", format!("{:.1}", ROW - 10.0))
        .set("class", class)
        .with(element("title").text(told))
}

fn line(left: f64, top: f64, class: &str, told: &str) -> Element {
    let (x, from, to) = (format!("{left:.1}"), format!("{top:.1}"), format!("{:.1}", top + ROW));
    let line = element("line").set("x1", &x).set("x2", x).set("y1", from).set("y2", to).set("class", class);
    line.with(element("title").text(told))
}

fn text(left: f64, top: f64, text: &str) -> Element {
    element("text").set("x", format!("{left:.1}")).set("y", format!("{:.1}", top + ROW / 2.0 + 5.0)).text(text)
}

/// The names of the stretches of the case that has most.
fn stretches<'a>(cases: &[&'a Case]) -> Vec<&'a str> {
    let most = cases.iter().map(|case| case.stretches.as_slice()).max_by_key(|stretches| stretches.len());
    most.unwrap_or_default().iter().map(|stretch: &Stretch| stretch.name.as_str()).collect()
}

/// Names with their colours, in as many rows as they take, and where these end.
fn legend(names: &[&str], mut top: f64) -> (Vec<Element>, f64) {
    const NAME: f64 = 220.0;
    let mut left = 10.0;
    let mut legend = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if left + NAME > WIDTH {
            (left, top) = (10.0, top + ROW);
        }
        legend.push(bar(left, top, 14.0, &format!("s{}", index % COLOURS), name));
        legend.push(text(left + 20.0, top, name));
        left += NAME;
    }
    (legend, if names.is_empty() { top } else { top + ROW })
}

/// A name that fits beside its bar; the table has all of it.
fn shortened(name: &str) -> String {
    const MOST: usize = 48;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    }
}
