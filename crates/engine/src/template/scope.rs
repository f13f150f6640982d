//! The layers of variables, from the weakest to the strongest.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::Context;
use crate::place::Place;
use crate::playbook::node::Node;

/// A variable's definition.
#[derive(Clone, Debug, PartialEq)]
pub enum Variable {
    /// Text from a playbook or inventory, rendered on use.
    Source(Node),
    /// Results, facts, lookups: never rendered, or a command's output could inject a template.
    Data(Json),
}

/// Variables of one strength.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer(IndexMap<String, Variable>);

impl Layer {
    /// A layer of data that is never rendered.
    pub fn data(values: impl IntoIterator<Item = (String, Json)>) -> Self {
        Self(values.into_iter().map(|(name, value)| (name, Variable::Data(value))).collect())
    }

    /// A layer of what a user wrote, which may hold templates.
    pub fn source(values: &serde_json::Map<String, Json>, place: &Place) -> Self {
        let node = |value| Variable::Source(Node::from_json(value, place));
        Self(values.iter().map(|(name, value)| (name.clone(), node(value))).collect())
    }

    pub fn set(&mut self, name: impl Into<String>, variable: Variable) {
        self.0.insert(name.into(), variable);
    }

    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.0.get(name)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.0.iter().map(|(name, variable)| (name.as_str(), variable))
    }
}

impl From<serde_json::Map<String, Json>> for Layer {
    /// Data, never rendered.
    fn from(values: serde_json::Map<String, Json>) -> Self {
        Self::data(values)
    }
}

/// How strong a layer is, weakest first, as Ansible orders them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Inventory,
    Facts,
    Play,
    Block,
    Task,
    /// What `set_fact` and `register` made.
    Registered,
    /// What the caller insists on, as `--extra-vars` does.
    Extra,
    /// The loop's item and the names that the engine itself defines.
    Magic,
}

/// The layers that a task sees.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Sorted by level; among equals the later wins.
    layers: Vec<(Level, Arc<Layer>)>,
}

impl Scope {
    /// The same with one more layer, above those of its own level.
    #[must_use]
    pub fn with(&self, level: Level, layer: Arc<Layer>) -> Self {
        let mut layers = self.layers.clone();
        if !layer.is_empty() {
            let at = layers.partition_point(|(there, _)| *there <= level);
            layers.insert(at, (level, layer));
        }
        Self { layers }
    }

    /// The strongest definition of a name.
    pub fn find(&self, name: &str) -> Option<&Variable> {
        self.layers.iter().rev().find_map(|(_, layer)| layer.get(name))
    }

    /// Every name that is defined.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().flat_map(|(_, layer)| layer.names())
    }

    /// What templates resolve names in; each name is resolved at most once.
    pub fn context(&self) -> Context {
        Context::new(self.clone())
    }
}
