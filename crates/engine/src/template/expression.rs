//! Renders texts, evaluates expressions, resolves whole values.

use minijinja::{Environment, ErrorKind, Value};
use serde_json::Value as Json;

use super::{Context, environment, failure, json};
use crate::failure::{Failure, Result};
use crate::place::Place;
use crate::playbook::node::{self, Node};

/// Whether a text holds anything to render.
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// Renders a whole text into text.
pub fn render(text: &str, place: &Place, context: &Context) -> Result<String> {
    attempt(text, |environment| environment.render_named_str(&place.file, text, context.value()))
        .map_err(|error| failure::of_text(&error, text, place, context))
}

/// Evaluates an expression, as in `when` or `until`, without braces.
pub fn evaluate(expression: &str, place: &Place, context: &Context) -> Result<Json> {
    let value = value_of(expression, context);
    value
        .and_then(|value| json::from_template(&value))
        .map_err(|error| failure::of_expression(&error, expression, place, context))
}

/// Whether a condition holds. Text counts as the boolean that it spells; other text is an error.
pub fn holds(expression: &str, place: &Place, context: &Context) -> Result<bool> {
    let bare = bare(expression).unwrap_or(expression);
    let value = evaluate(bare, place, context)?;
    truth(&value).ok_or_else(|| {
        Failure::invalid(format!("the condition `{expression}` is neither true nor false: it is text"))
            .place(place.clone())
            .hint("compare it, or say `| bool` or `| length > 0`")
    })
}

/// A value as a condition; `None` for a text that spells no boolean.
pub fn truth(value: &Json) -> Option<bool> {
    match value {
        Json::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" | "y" | "t" => Some(true),
            "false" | "no" | "off" | "0" | "n" | "f" | "" => Some(false),
            _ => None,
        },
        other => Some(json::to_template(other).is_true()),
    }
}

/// Renders every text in a node; a text that is one `{{ expression }}` keeps the expression's type.
pub fn resolve(node: &Node, context: &Context) -> Result<Json> {
    match &node.value {
        _ if node.is_unsafe() => Ok(node.to_json()),
        node::Value::Scalar(_) => {
            let Some(text) = node.as_text().filter(|text| is_template(text)) else { return Ok(node.to_json()) };
            if let Some(expression) = bare(text) {
                return evaluate(expression, &node.place, context);
            }
            render(text, &node.place, context).map(Json::String)
        }
        node::Value::List(items) => items.iter().map(|item| resolve(item, context)).collect(),
        node::Value::Map(entries) => {
            let resolved = entries.iter().map(|(key, item)| Ok((key.text.clone(), resolve(item, context)?)));
            resolved.collect::<Result<_>>().map(Json::Object)
        }
    }
}

/// The same for a template's use: what is undefined stays so, for `default` to see.
pub(super) fn resolve_value(node: &Node, context: &Context) -> Result<Value> {
    if let Some(expression) = node.as_text().filter(|_| !node.is_unsafe()).and_then(bare) {
        return value_of(expression, context)
            .map_err(|error| failure::of_expression(&error, expression, &node.place, context));
    }
    resolve(node, context).map(|json| json::to_template(&json))
}

/// A text's first mistake, without rendering it.
pub fn check_text(text: &str, place: &Place) -> Result<()> {
    let parsed = environment::strict().template_from_named_str(&place.file, text);
    parsed.map(drop).map_err(|error| failure::of_syntax(&error, text, place))
}

/// An expression's mistake, without evaluating it.
pub fn check_expression(expression: &str, place: &Place) -> Result<()> {
    let expression = bare(expression).unwrap_or(expression);
    let parsed = environment::strict().compile_expression(expression);
    parsed.map(drop).map_err(|error| failure::of_syntax(&error, expression, place))
}

/// The expression of a text that is nothing but one `{{ expression }}`.
pub(super) fn bare(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner).trim();
    // Two templates side by side, or braces within a literal, are told apart by the parser.
    let whole = environment::strict().compile_expression(inner).is_ok();
    whole.then_some(inner)
}

fn value_of(expression: &str, context: &Context) -> Result<Value, minijinja::Error> {
    attempt(expression, |environment| environment.compile_expression(expression)?.eval(context.value()))
}

/// Works strictly, and once more with undefined parents allowed where a `default` guards them, as Ansible does.
fn attempt<'a, T>(
    text: &str,
    work: impl Fn(&'a Environment<'static>) -> Result<T, minijinja::Error>,
) -> Result<T, minijinja::Error> {
    match work(environment::strict()) {
        Err(error) if error.kind() == ErrorKind::UndefinedError && is_guarded(text) => work(environment::chainable()),
        other => other,
    }
}

fn is_guarded(text: &str) -> bool {
    ["default", "d(", "defined", "mandatory"].iter().any(|word| text.contains(word))
}
