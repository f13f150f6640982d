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
    use crate::evaluate::tests::evaluation;

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
