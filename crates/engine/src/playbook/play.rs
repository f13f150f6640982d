//! Typed plays. Whatever may hold a template stays a [`Node`] until a task uses it.

use std::sync::Arc;

use super::node::{Key, Node};
use crate::module::Entry;
use crate::place::Place;
use crate::template::Layer;

/// The plays of a file and of those it imports.
#[derive(Clone, Debug)]
pub struct Playbook {
    /// As it was asked for, to find files beside it.
    pub name: String,
    /// As shown to people.
    pub origin: Arc<str>,
    pub plays: Vec<Play>,
}

/// One play.
#[derive(Clone, Debug)]
pub struct Play {
    pub place: Place,
    pub name: Option<Node>,
    /// Names of hosts and groups, `all`, and `!name` to leave out.
    pub hosts: Vec<String>,
    pub strategy: Strategy,
    pub gather_facts: bool,
    pub settings: Settings,
    pub pre_tasks: Vec<Item>,
    pub tasks: Vec<Item>,
    pub post_tasks: Vec<Item>,
    pub handlers: Vec<Task>,
    /// How many tasks it has; each one's `index` is below.
    pub size: usize,
}

/// How hosts go through a play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// No host begins a task before every host has finished the one before.
    #[default]
    Linear,
    /// Each host goes on as it can.
    Free,
}

/// What a list of tasks holds.
#[derive(Clone, Debug)]
pub enum Item {
    Task(Box<Task>),
    Block(Box<Block>),
}

/// Tasks that share settings, with what to do when one fails.
#[derive(Clone, Debug)]
pub struct Block {
    pub place: Place,
    pub name: Option<Node>,
    pub settings: Settings,
    pub tasks: Vec<Item>,
    pub rescue: Vec<Item>,
    pub always: Vec<Item>,
}

/// One task.
#[derive(Clone, Debug)]
pub struct Task {
    pub place: Place,
    /// Its number within the play, in the file's order.
    pub index: usize,
    pub name: Option<Node>,
    pub settings: Settings,
    pub call: Call,
    pub repeat: Option<Loop>,
    pub register: Option<String>,
    pub changed_when: Option<Vec<Condition>>,
    pub failed_when: Option<Vec<Condition>>,
    pub until: Option<Vec<Condition>>,
    pub retries: Option<Node>,
    /// Seconds between two tries.
    pub delay: Option<Node>,
    pub notify: Vec<Node>,
    /// Topics that notify this handler besides its name.
    pub listen: Vec<String>,
}

/// A module and what it is given.
#[derive(Clone, Debug)]
pub struct Call {
    pub place: Place,
    pub entry: &'static Entry,
    pub arguments: Vec<(Key, Node)>,
}

/// What plays, blocks and tasks have in common; the inner wins, conditions and tags add up.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub when: Vec<Condition>,
    pub variables: Arc<Layer>,
    pub escalate: Option<Node>,
    pub escalate_user: Option<Node>,
    pub environment: Vec<Node>,
    pub tags: Vec<String>,
    pub ignore_errors: Option<Node>,
    pub no_log: Option<Node>,
    pub check_mode: Option<Node>,
    pub run_once: Option<Node>,
}

/// An expression that must hold.
#[derive(Clone, Debug)]
pub struct Condition {
    pub place: Place,
    pub text: String,
}

/// What a task is repeated over.
#[derive(Clone, Debug)]
pub struct Loop {
    pub place: Place,
    pub over: Node,
    pub kind: LoopKind,
    /// The name of the item, `item` by default.
    pub variable: String,
    pub index_variable: Option<String>,
    pub label: Option<Node>,
    /// Seconds between two items.
    pub pause: Option<Node>,
}

/// How a loop's value becomes items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopKind {
    /// `loop` and `with_list`: the list's items.
    List,
    /// `with_items`: lists within are flattened once, and one value is a list.
    Items,
    /// `with_dict`: a map's entries as `key` and `value`.
    Dict,
}

impl Item {
    /// Calls a function with every task within, and every block around it, in the file's order.
    pub fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        if let Self::Block(block) = self {
            for item in block.tasks.iter().chain(&block.rescue).chain(&block.always) {
                item.each(visit);
            }
        }
    }
}

impl Task {
    /// The name as written, or the module's.
    pub fn title(&self) -> &str {
        self.name.as_ref().and_then(Node::as_text).unwrap_or(self.call.entry.name)
    }
}
