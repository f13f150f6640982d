//! The two minijinja environments: strict, and one that lets `a.b.c | default(..)` look through what is undefined.

use std::sync::OnceLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, escape_formatter};

use super::{collections, filters, methods, tests};

/// Fails on whatever is undefined.
pub fn strict() -> &'static Environment<'static> {
    static STRICT: OnceLock<Environment<'static>> = OnceLock::new();
    STRICT.get_or_init(|| build(UndefinedBehavior::Strict))
}

/// Looks through what is undefined, and fails only when it is printed.
pub fn chainable() -> &'static Environment<'static> {
    static CHAINABLE: OnceLock<Environment<'static>> = OnceLock::new();
    CHAINABLE.get_or_init(|| build(UndefinedBehavior::Chainable))
}

fn build(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(undefined);
    // A template named x.yaml or x.html must not be escaped: Ansible never does.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(|out, state, value| {
        if value.is_undefined() {
            return Err(Error::from(ErrorKind::UndefinedError));
        }
        escape_formatter(out, state, value)
    });
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    environment.remove_global("debug");
    filters::add_to(&mut environment);
    collections::add_to(&mut environment);
    tests::add_to(&mut environment);
    environment.set_unknown_method_callback(methods::call);
    environment
}
