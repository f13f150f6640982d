//! Template errors as failures, without any variable's value.

use std::error::Error as _;

use minijinja::{Error, ErrorKind};

use super::{Context, environment};
use crate::failure::Failure;
use crate::place::Place;

/// A mistake found by parsing alone.
pub fn of_syntax(error: &Error, text: &str, place: &Place) -> Failure {
    Failure::invalid("this template does not parse").place(line_of(error, text, place)).cause(describe(error))
}

/// A failure to render a text.
pub fn of_text(error: &Error, text: &str, place: &Place, context: &Context) -> Failure {
    let names = environment::strict().template_from_str(text).map(|template| template.undeclared_variables(true));
    of(error, text, place, context, names.unwrap_or_default().into_iter().collect())
}

/// A failure to evaluate an expression.
pub fn of_expression(error: &Error, text: &str, place: &Place, context: &Context) -> Failure {
    let names = environment::strict().compile_expression(text).map(|parsed| parsed.undeclared_variables(true));
    of(error, text, place, context, names.unwrap_or_default().into_iter().collect())
}

fn of(error: &Error, text: &str, place: &Place, context: &Context, mut names: Vec<String>) -> Failure {
    let place = line_of(error, text, place);
    if error.kind() == ErrorKind::SyntaxError {
        return of_syntax(error, text, &place);
    }
    if is_undefined(error) {
        names.sort();
        if let Some(name) = names.into_iter().find_map(|path| undefined(&path, context)) {
            let failure = Failure::invalid(format!("`{name}` is not defined")).place(place);
            let head = name.split('.').next().unwrap_or(&name);
            return match crate::nearest::name(head, context.scope().names()) {
                Some(nearest) if nearest != head => failure.hint(format!("is it `{nearest}`?")),
                _ => failure.hint(format!("define it, or say `{name} | default(...)`")),
            };
        }
    }
    Failure::invalid("this template cannot be rendered").place(place).cause(describe(error))
}

fn is_undefined(error: &Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<Error>());
    error.kind() == ErrorKind::UndefinedError || source.is_some_and(is_undefined)
}

/// The first part of a path such as `a.b.c` that is undefined, with what leads to it.
fn undefined(path: &str, context: &Context) -> Option<String> {
    let mut parts = path.split('.');
    let mut seen = parts.next()?.to_owned();
    if environment::strict().globals().any(|(name, _)| name == seen) {
        return None;
    }
    let Some(mut value) = context.resolve(&seen) else { return Some(seen) };
    for part in parts {
        seen = format!("{seen}.{part}");
        value = value.get_attr(part).ok()?;
        if value.is_undefined() {
            return Some(seen);
        }
    }
    value.is_undefined().then_some(seen)
}

/// The kind and detail of an error and of its sources; its own Display adds names that are not files.
fn describe(error: &Error) -> String {
    let mut text = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let mut next = error.source();
    while let Some(source) = next {
        let more = match source.downcast_ref::<Error>() {
            Some(error) => error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
            None => source.to_string(),
        };
        text = format!("{text}: {more}");
        next = source.source();
    }
    text
}

/// The line within a text, where the text has several. A whole template file begins at line 1.
fn line_of(error: &Error, text: &str, place: &Place) -> Place {
    let within = error.line().and_then(|line| u32::try_from(line).ok()).unwrap_or(1);
    if !text.trim_end().contains('\n') || within == 0 {
        return place.clone();
    }
    if place.line == 0 {
        return Place::at(place.file.clone(), within, 0);
    }
    // A block scalar's text begins in the line after its `|`.
    Place::at(place.file.clone(), place.line + within, 0)
}
