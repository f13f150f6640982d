//! Tasks, blocks and what they share.

use std::sync::Arc;

use super::super::node::Node;
use super::super::play::{Block, Item, Settings, Task};
use super::super::yaml;
use super::fields::Fields;
use super::{Parser, keywords};
use crate::failure::Failure;
use crate::template::{Layer, Variable};

/// The ways to name a file of tasks.
const INCLUDES: &[&str] =
    &["import_tasks", "include_tasks", "ansible.builtin.import_tasks", "ansible.builtin.include_tasks"];

impl Parser<'_> {
    /// The tasks under a keyword of a play or block.
    pub(super) fn list(&mut self, fields: &mut Fields, name: &str) -> Vec<Item> {
        let Some(node) = fields.take(name) else { return Vec::new() };
        self.items(&node, name)
    }

    fn items(&mut self, node: &Node, name: &str) -> Vec<Item> {
        if node.is_null() {
            return Vec::new();
        }
        let Some(items) = node.as_list() else {
            self.mistake(&node.place, format!("`{name}` is a list of tasks, not {}", node.kind()));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.item(item)).collect()
    }

    pub(super) fn handlers(&mut self, fields: &mut Fields) -> Vec<Task> {
        let mut handlers = Vec::new();
        for item in self.list(fields, "handlers") {
            match item {
                Item::Task(task) => handlers.push(*task),
                Item::Block(block) => self.mistake(&block.place, "a handler is a task, not a block"),
            }
        }
        handlers
    }

    fn item(&mut self, node: &Node) -> Option<Item> {
        let mut fields = Fields::of(self, node, "a task")?;
        if fields.has("block") {
            return Some(Item::Block(Box::new(self.block(node, fields))));
        }
        if let Some((_, file)) = fields.take_where(|name| INCLUDES.contains(&name)) {
            return self.include(node, &file, fields);
        }
        self.task(node, fields).map(|task| Item::Task(Box::new(task)))
    }

    fn block(&mut self, node: &Node, mut fields: Fields) -> Block {
        let name = fields.take("name");
        let settings = self.settings(&mut fields);
        let tasks = self.list(&mut fields, "block");
        let rescue = self.list(&mut fields, "rescue");
        let always = self.list(&mut fields, "always");
        fields.finish(self, keywords::BLOCK, "a block");
        Block { place: node.place.clone(), name, settings, tasks, rescue, always }
    }

    /// A file's tasks become a block: what the task says holds for each of them.
    fn include(&mut self, node: &Node, file: &Node, mut fields: Fields) -> Option<Item> {
        let file = match file.as_map() {
            Some(entries) => entries.iter().find(|(key, _)| key.text == "file").map_or(file, |(_, file)| file),
            None => file,
        };
        let Some(path) = file.as_text().filter(|path| !crate::template::is_template(path)) else {
            let what = "only a file whose name holds no template can be included yet";
            self.mistake(&file.place, what);
            return None;
        };
        let name = fields.take("name");
        let settings = self.settings(&mut fields);
        fields.finish(self, keywords::BLOCK, "an include");
        let tasks = self.within(path, &file.place, |parser, origin, text| match yaml::read(origin, text) {
            Ok(Some(tasks)) => parser.items(&tasks, "tasks"),
            Ok(None) => Vec::new(),
            Err(mistakes) => {
                parser.mistakes.extend(mistakes);
                Vec::new()
            }
        })?;
        let (rescue, always) = (Vec::new(), Vec::new());
        Some(Item::Block(Box::new(Block { place: node.place.clone(), name, settings, tasks, rescue, always })))
    }

    fn task(&mut self, node: &Node, mut fields: Fields) -> Option<Task> {
        let index = self.next_task;
        self.next_task += 1;
        let name = fields.take("name");
        let settings = self.settings(&mut fields);
        let repeat = self.repeat(&mut fields);
        let register = fields.name(self, "register");
        let changed_when = fields.conditions(self, "changed_when");
        let failed_when = fields.conditions(self, "failed_when");
        let until = fields.conditions(self, "until");
        let (retries, delay) = (fields.take("retries"), fields.take("delay"));
        let notify = fields.texts(self, "notify");
        let listen = fields.texts(self, "listen").iter().filter_map(Node::as_text).map(str::to_owned).collect();
        fields.skip(&["diff"]);
        self.delegate(&mut fields);
        let call = self.call(node, &mut fields);
        fields.finish(self, keywords::TASK, "a task");
        let place = node.place.clone();
        Some(Task {
            place,
            index,
            name,
            settings,
            call: call?,
            repeat,
            register,
            changed_when,
            failed_when,
            until,
            retries,
            delay,
            notify,
            listen,
        })
    }

    fn delegate(&mut self, fields: &mut Fields) {
        if let Some(node) = fields.take("delegate_to") {
            let hint = "a task runs on the play's hosts; give the other host a play of its own";
            self.mistakes.push(Failure::invalid("`delegate_to` is not supported yet").place(node.place).hint(hint));
        }
    }

    /// What plays, blocks and tasks have in common.
    pub(super) fn settings(&mut self, fields: &mut Fields) -> Settings {
        let tags = fields.texts(self, "tags");
        let environment = fields.take("environment");
        if let Some(node) = environment.as_ref().filter(|node| node.as_list().is_some()) {
            self.mistake(&node.place, "`environment` is a map of names and values");
        }
        fields.skip(&["become_method"]);
        Settings {
            when: fields.conditions(self, "when").unwrap_or_default(),
            variables: Arc::new(self.variables(fields)),
            escalate: fields.flag_or_template(self, "become"),
            escalate_user: fields.take("become_user"),
            environment: environment.into_iter().collect(),
            tags: tags
                .iter()
                .filter_map(Node::as_text)
                .flat_map(|text| text.split(','))
                .map(|tag| tag.trim().to_owned())
                .collect(),
            ignore_errors: fields.flag_or_template(self, "ignore_errors"),
            no_log: fields.flag_or_template(self, "no_log"),
            check_mode: fields.flag_or_template(self, "check_mode"),
            run_once: fields.flag_or_template(self, "run_once"),
        }
    }

    fn variables(&mut self, fields: &mut Fields) -> Layer {
        let mut layer = Layer::default();
        let Some(node) = fields.take("vars").filter(|node| !node.is_null()) else { return layer };
        let Some(entries) = node.as_map() else {
            self.mistake(&node.place, format!("`vars` is a map of names and values, not {}", node.kind()));
            return layer;
        };
        for (key, value) in entries {
            layer.set(key.text.clone(), Variable::Source(value.clone()));
        }
        layer
    }
}
