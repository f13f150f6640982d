//! The names that a template needs someone to define.

use std::collections::BTreeSet;

use regex::Regex;

use super::environment;
use super::expression::{bare, is_template};

/// The names that a text uses and that nothing in it defines or guards.
pub fn names_of_text(text: &str) -> BTreeSet<String> {
    if !is_template(text) {
        return BTreeSet::new();
    }
    let Ok(template) = environment::strict().template_from_str(text) else { return BTreeSet::new() };
    unguarded(text, template.undeclared_variables(false))
}

/// The names that an expression uses and that nothing in it guards.
pub fn names_of_expression(expression: &str) -> BTreeSet<String> {
    let expression = bare(expression).unwrap_or(expression);
    let Ok(parsed) = environment::strict().compile_expression(expression) else { return BTreeSet::new() };
    unguarded(expression, parsed.undeclared_variables(false))
}

/// Leaves out what `default` or `is defined` guards somewhere in the same text, and minijinja's own functions.
fn unguarded(text: &str, names: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let own: BTreeSet<&str> = environment::strict().globals().map(|(name, _)| name).collect();
    names.into_iter().filter(|name| !own.contains(name.as_str()) && !is_guarded(text, name)).collect()
}

/// Whether a text guards a name by `default` or `is defined`.
pub fn is_guarded(text: &str, name: &str) -> bool {
    let path = r"(?:\.\w+|\[[^\]]*\])*";
    let guard = r"\s*\)?\s*(?:\|\s*(?:default|d|mandatory)\b|is\s+(?:not\s+)?(?:un)?defined\b)";
    Regex::new(&format!(r"\b{}{path}{guard}", regex::escape(name))).is_ok_and(|guarded| guarded.is_match(text))
}
