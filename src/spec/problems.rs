//! Collects every mistake of one file, each with its place and a snippet.

use std::sync::Arc;

use engine::failure::Failure;
use engine::place::Place;

use super::tree::{Span, SyntaxError};

/// The mistakes found in one file so far.
#[derive(Debug)]
pub struct Problems<'text> {
    file: Arc<str>,
    text: &'text str,
    found: Vec<Failure>,
}

impl<'text> Problems<'text> {
    pub fn new(file: &str, text: &'text str) -> Self {
        Self { file: file.into(), text, found: Vec::new() }
    }

    /// A place in the file.
    pub fn place(&self, span: Span) -> Place {
        Place::at(self.file.clone(), span.line, span.column)
    }

    /// Records a mistake at a place.
    pub fn at(&mut self, span: Span, failure: Failure) {
        let failure = failure.place(self.place(span));
        let failure = match snippet(self.text, span) {
            Some(snippet) => failure.evidence(snippet),
            None => failure,
        };
        // An alias repeats a mistake; a reader needs it once.
        if !self.found.contains(&failure) {
            self.found.push(failure);
        }
    }

    /// Records a mistake of the whole file.
    pub fn whole(&mut self, failure: Failure) {
        self.found.push(failure.place(Place::file(self.file.clone())));
    }

    pub fn syntax(&mut self, error: &SyntaxError) {
        self.at(error.span, Failure::invalid(format!("this is not YAML: {}", error.what)));
    }

    pub fn none(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them, in the order of the file.
    pub fn into_failures(mut self) -> Vec<Failure> {
        self.found.sort_by_key(|failure| failure.place.as_ref().map(|place| (place.line, place.column)));
        self.found
    }
}

/// The line with a caret below the place.
pub fn snippet(text: &str, span: Span) -> Option<String> {
    let index = usize::try_from(span.line.checked_sub(1)?).ok()?;
    let line = text.lines().nth(index)?;
    let before = usize::try_from(span.column.checked_sub(1)?).ok()?;
    let width = line.chars().count().saturating_sub(before).clamp(1, span.width.max(1) as usize);
    let margin = span.line.to_string();
    // Tabs are kept, so that the caret stands below its character.
    let indent: String = line.chars().chain(std::iter::repeat(' ')).take(before).map(blank).collect();
    Some(format!("{margin} | {line}\n{} | {indent}{}", " ".repeat(margin.len()), "^".repeat(width)))
}

fn blank(character: char) -> char {
    if character == '\t' { '\t' } else { ' ' }
}

/// The name nearest to a wrong one, if one is near enough to be meant.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = wrong.to_lowercase();
    let scored = names.into_iter().map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= 0.75).then_some(best.1)
}

/// The hint for a wrong name: the nearest one, else all there are.
pub fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: Vec<&str> = names.into_iter().collect();
    match nearest(wrong, names.iter().copied()) {
        Some(name) => Some(format!("Did you mean `{name}`?")),
        None if names.is_empty() => None,
        None => Some(format!("Possible here: {}.", names.join(", "))),
    }
}

/// Adds a hint if there is one.
pub trait MaybeHint {
    #[must_use]
    fn maybe_hint(self, hint: Option<String>) -> Self;
}

impl MaybeHint for Failure {
    fn maybe_hint(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }
}
