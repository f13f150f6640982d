//! An evaluation as text, JSON, `JUnit` XML and one HTML page.

mod chart;
mod html;
mod junit;
mod text;

use std::path::Path;

use engine::failure::{Failure, Result};

use super::result::Evaluation;
use crate::report::Paint;

/// What an evaluation is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs, and to be compared with later.
    Json,
    /// For CI.
    Junit,
    /// One page with charts that needs nothing else.
    Html,
}

impl Format {
    pub const ALL: [Self; 4] = [Self::Text, Self::Json, Self::Junit, Self::Html];

    /// The file that `--write` makes.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Text => "evaluation.txt",
            Self::Json => "evaluation.json",
            Self::Junit => "evaluation.junit.xml",
            Self::Html => "evaluation.html",
        }
    }
}

/// Writes an evaluation; only text is ever coloured.
pub fn write(evaluation: &Evaluation, format: Format, paint: Paint) -> String {
    match format {
        Format::Text => text::text(evaluation, paint),
        Format::Json => format!("{:#}\n", serde_json::json!(evaluation)),
        Format::Junit => junit::junit(evaluation),
        Format::Html => html::html(evaluation),
    }
}

/// Writes all formats into a directory, which is made if it is missing.
pub fn write_all(evaluation: &Evaluation, directory: &Path) -> Result<()> {
    let failed =
        |path: &Path, error: &std::io::Error| Failure::other(format!("cannot write {}", path.display())).because(error);
    std::fs::create_dir_all(directory).map_err(|error| failed(directory, &error))?;
    for format in Format::ALL {
        let path = directory.join(format.file());
        std::fs::write(&path, write(evaluation, format, Paint::Never)).map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::result::{Case, Outcome, Part, Stretch, Unit};
    use crate::evaluate::tests::evaluation;

    /// Nothing of it may become an element, an attribute or a style.
    const PLANTED: &str = "</td></style><script>window.planted = 1; console.error(1)</script>\
        <img src=http://192.0.2.1/x.png onerror=planted=1> \"quoted\" & 'quoted' &lt; grün \u{2192} ]]>";

    /// An evaluation that draws all that a chart can, and whose texts are evil or long.
    fn everything() -> Evaluation {
        let stretch = |(number, seconds)| Stretch { name: format!("phase {number}"), seconds };
        let phases = (1..).zip([10.0, 25.0, 0.0, 40.0, 5.0, 60.0, 12.5, 30.0, 7.5]).map(stretch).collect();
        let mut evaluation = evaluation();
        evaluation.cases.extend([
            Case::failed(Part::Checks, format!("<b>{PLANTED}</b>"), PLANTED).measured(61.0),
            Case::skipped(Part::Checks, "a-name-without-a-place-to-break-it-".repeat(4), "x".repeat(300)),
            Case::failed(Part::Order, "a tier that did not wait, whose bar would begin left", "").measured(-4.0),
            Case { stretches: phases, ..Case::passed(Part::Rollout, "in many phases", "").measured(190.0) },
            Case { unit: Unit::Steps, ..Case::passed(Part::Steps, "none", "").measured(0.0) },
        ]);
        for (case, number) in evaluation.cases.iter_mut().zip(1_u8..).filter(|(case, _)| case.value.is_some()) {
            case.limit = Some(f64::from(number) * 20.0);
            case.baseline = Some(f64::from(number) * 15.0);
            case.outcome = if number % 3 == 0 { Outcome::Worse } else { case.outcome };
        }
        evaluation
    }

    /// `make page` opens what this writes where it says so, and compares what a browser shows with what is in the JSON.
    #[test]
    fn no_text_of_a_case_is_taken_for_markup() {
        let page = write(&everything(), Format::Html, Paint::Never);
        let document = roxmltree::Document::parse(page.strip_prefix("<!DOCTYPE html>\n").unwrap()).unwrap();
        let cells: Vec<&str> =
            document.descendants().filter(|node| node.has_tag_name("td")).filter_map(|cell| cell.text()).collect();
        assert_eq!(cells.iter().filter(|text| text.contains(PLANTED)).count(), 2, "{cells:?}");
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>"));
        if let Some(directory) = std::env::var_os("SEEDBED_PAGE") {
            write_all(&everything(), Path::new(&directory)).unwrap();
        }
    }

    #[test]
    fn what_is_written_as_json_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        write_all(&evaluation(), &directory.path().join("new/folder")).unwrap();
        let read =
            |format: Format| std::fs::read_to_string(directory.path().join("new/folder").join(format.file())).unwrap();
        let back: Evaluation = serde_json::from_str(&read(Format::Json)).unwrap();
        assert_eq!(back, evaluation());
        assert!(
            Format::ALL.into_iter().all(|format| read(format).contains("a Deployment deleted, under a Kustomization"))
        );
    }
}
