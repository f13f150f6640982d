//! Renders Jinja templates as Ansible does: its filters, its tests, its native types.
//!
//! The only place that names minijinja.

#[cfg(test)]
mod cases;
mod collections;
mod context;
mod environment;
mod expression;
mod failure;
mod filters;
mod json;
mod lookup;
mod methods;
mod names;
mod scope;
mod tests;

pub use context::{Context, OMIT};
pub use expression::{check_expression, check_text, evaluate, holds, is_template, render, resolve, truth};
pub use filters::replacement;
pub use json::print;
pub use names::{is_guarded, names_of_expression, names_of_text};
pub use scope::{Layer, Level, Scope, Variable};
