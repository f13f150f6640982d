//! Resolves names for a template, on first use.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::{Enumerator, Object};
use minijinja::{Error, ErrorKind, Value};

use super::{Scope, Variable, expression, json, lookup};
use crate::playbook::node::Node;

/// The value that leaves a parameter out, as in `default(omit)`.
pub const OMIT: &str = "__omit_place_holder__6d3f6bd7a1c04f0b";

/// A scope in use: what was resolved is remembered, cycles are found.
#[derive(Clone, Debug)]
pub struct Context(Arc<Resolver>);

impl Context {
    pub(super) fn new(scope: Scope) -> Self {
        Self(Arc::new(Resolver { scope, known: Mutex::default(), active: Mutex::default() }))
    }

    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    pub(super) fn value(&self) -> Value {
        Value::from_dyn_object(Arc::clone(&self.0))
    }

    pub(super) fn resolve(&self, name: &str) -> Option<Value> {
        self.0.resolve(name)
    }
}

struct Resolver {
    scope: Scope,
    known: Mutex<HashMap<String, Value>>,
    /// The names being resolved, outermost first.
    active: Mutex<Vec<String>>,
}

impl fmt::Debug for Resolver {
    /// Shows no value: it could be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}

impl Resolver {
    fn resolve(self: &Arc<Self>, name: &str) -> Option<Value> {
        if let Some(value) = lock(&self.known).get(name) {
            return Some(value.clone());
        }
        let value = match self.scope.find(name) {
            Some(Variable::Data(data)) => json::to_template(data),
            Some(Variable::Source(node)) => self.render(name, node),
            None => lookup::magic(name)?,
        };
        lock(&self.known).insert(name.to_owned(), value.clone());
        Some(value)
    }

    fn render(self: &Arc<Self>, name: &str, node: &Node) -> Value {
        {
            let mut active = lock(&self.active);
            if active.iter().any(|other| other == name) {
                let path = format!("{} -> {name}", active.join(" -> "));
                return Error::new(ErrorKind::InvalidOperation, format!("a variable needs itself: {path}")).into();
            }
            active.push(name.to_owned());
        }
        let rendered = expression::resolve_value(node, &Context(Arc::clone(self)));
        lock(&self.active).pop();
        rendered.unwrap_or_else(|failure| {
            let detail = format!("`{name}` cannot be resolved: {failure}");
            Error::new(ErrorKind::InvalidOperation, detail).into()
        })
    }
}

impl Object for Resolver {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.resolve(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.resolve(key)
    }

    /// Names cannot be listed: that would resolve all of them.
    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// A poisoned lock only means that another template panicked; the values in it are whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
