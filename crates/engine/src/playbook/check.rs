//! Finds what is wrong with a playbook before anything is made: mistakes, missing files, names that nothing defines.

use std::collections::BTreeSet;

use super::node::Node;
use super::play::{Condition, Item, Play, Playbook, Settings, Task};
use super::{files, parse};
use crate::asset::Assets;
use crate::failure::Failure;
use crate::place::Place;
use crate::{module, nearest, template};

/// Names that the engine itself defines.
const MAGIC: &[&str] = &[
    "ansible_check_mode",
    "ansible_diff_mode",
    "ansible_facts",
    "ansible_host",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_user",
    "group_names",
    "groups",
    "hostvars",
    "inventory_hostname",
    "inventory_hostname_short",
    "item",
    "omit",
    "play_hosts",
    "playbook_dir",
    "ansible_failed_task",
    "ansible_failed_result",
];

/// Every mistake of a playbook and of what it uses. `known` are the names that the inventory defines.
pub fn check(name: &str, assets: &dyn Assets, known: &BTreeSet<String>) -> Vec<Failure> {
    let playbook = match parse::load(name, assets) {
        Ok(playbook) => playbook,
        Err(mistakes) => return mistakes,
    };
    let mut names = known.clone();
    names.extend(MAGIC.iter().map(|name| (*name).to_owned()));
    names.extend(module::FACTS.iter().map(|fact| format!("ansible_{fact}")));
    defined(&playbook, &mut names);
    let mut checker = Checker { assets, file: name, names, mistakes: Vec::new() };
    playbook.plays.iter().for_each(|play| checker.play(play));
    checker.mistakes
}

/// Adds every name that the playbook defines anywhere: by `vars`, `register`, `set_fact` or a loop.
fn defined(playbook: &Playbook, names: &mut BTreeSet<String>) {
    for play in &playbook.plays {
        names.extend(play.settings.variables.names().map(str::to_owned));
        each_item(play, &mut |item| match item {
            Item::Block(block) => names.extend(block.settings.variables.names().map(str::to_owned)),
            Item::Task(task) => of_task(task, names),
        });
        play.handlers.iter().for_each(|handler| of_task(handler, names));
    }
}

fn of_task(task: &Task, names: &mut BTreeSet<String>) {
    names.extend(task.settings.variables.names().map(str::to_owned));
    names.extend(task.register.clone());
    if let Some(repeat) = &task.repeat {
        names.insert(repeat.variable.clone());
        names.extend(repeat.index_variable.clone());
    }
    if task.call.entry.name == "set_fact" {
        names.extend(task.call.arguments.iter().map(|(key, _)| key.text.clone()));
    }
}

fn each_item<'a>(play: &'a Play, visit: &mut dyn FnMut(&'a Item)) {
    for item in play.pre_tasks.iter().chain(&play.tasks).chain(&play.post_tasks) {
        item.each(visit);
    }
}

struct Checker<'a> {
    assets: &'a dyn Assets,
    file: &'a str,
    names: BTreeSet<String>,
    mistakes: Vec<Failure>,
}

impl Checker<'_> {
    fn play(&mut self, play: &Play) {
        self.settings(&play.settings, "");
        self.maybe(play.name.as_ref(), "");
        let guards = guards(&play.settings);
        for item in play.pre_tasks.iter().chain(&play.tasks).chain(&play.post_tasks) {
            self.item(play, item, &guards);
        }
        for handler in &play.handlers {
            self.task(play, handler, &guards);
        }
    }

    fn item(&mut self, play: &Play, item: &Item, outer: &str) {
        match item {
            Item::Task(task) => self.task(play, task, outer),
            Item::Block(block) => {
                let guards = format!("{outer}\n{}", guards(&block.settings));
                self.settings(&block.settings, &guards);
                self.maybe(block.name.as_ref(), &guards);
                for item in block.tasks.iter().chain(&block.rescue).chain(&block.always) {
                    self.item(play, item, &guards);
                }
            }
        }
    }

    fn task(&mut self, play: &Play, task: &Task, outer: &str) {
        let guards = format!("{outer}\n{}", guards(&task.settings));
        self.settings(&task.settings, &guards);
        let nodes = [task.name.as_ref(), task.retries.as_ref(), task.delay.as_ref()];
        for node in nodes {
            self.maybe(node, &guards);
        }
        if let Some(repeat) = &task.repeat {
            self.node(&repeat.over, &guards);
            self.maybe(repeat.label.as_ref(), &guards);
        }
        for conditions in [&task.changed_when, &task.failed_when, &task.until].into_iter().flatten() {
            self.conditions(conditions, &guards);
        }
        for (key, node) in &task.call.arguments {
            match (task.call.entry.name, key.text.as_str()) {
                ("assert", "that") => {
                    for node in node.as_list().unwrap_or(std::slice::from_ref(node)) {
                        self.expression(node.as_text().unwrap_or_default(), &node.place, &guards);
                    }
                }
                ("debug", "var") => self.expression(node.as_text().unwrap_or_default(), &node.place, &guards),
                _ => self.node(node, &guards),
            }
        }
        self.files(task, &guards);
        task.notify.iter().for_each(|name| self.notified(play, name));
    }

    /// The files that a task reads on the workstation.
    fn files(&mut self, task: &Task, guards: &str) {
        let argument = |name: &str| task.call.arguments.iter().find(|(key, _)| key.text == name).map(|(_, node)| node);
        let Some(kind) = files::kind(task.call.entry.name) else { return };
        let Some(src) = argument("src") else { return };
        let Some(path) = src.as_text().filter(|path| !template::is_template(path)) else { return };
        let remote = argument("remote_src").is_some_and(|node| template::truth(&node.to_json()) != Some(false));
        if remote || path.contains("://") {
            return;
        }
        match files::read(self.assets, self.file, kind, path) {
            Err(failure) => {
                let failure = failure.place(src.place.clone());
                self.mistakes.push(failure.hint(format!("it is looked for beside the playbook and in {kind}/")));
            }
            Ok(asset) if kind == files::TEMPLATES => match asset.text() {
                Ok(text) => self.text(text, &Place::file(asset.origin.as_str()), guards),
                Err(failure) => self.mistakes.push(failure.place(src.place.clone())),
            },
            Ok(_) => {}
        }
    }

    fn notified(&mut self, play: &Play, name: &Node) {
        let Some(text) = name.as_text().filter(|text| !template::is_template(text)) else { return };
        let answers = |handler: &Task| handler.title() == text || handler.listen.iter().any(|topic| topic == text);
        if !play.handlers.iter().any(answers) {
            let failure = Failure::invalid(format!("no handler is called `{text}`")).place(name.place.clone());
            let known = play.handlers.iter().map(Task::title);
            self.mistakes.push(match nearest::name(text, known) {
                Some(nearest) => failure.hint(format!("is it `{nearest}`?")),
                None => failure.hint("`handlers` of the same play lists them"),
            });
        }
    }

    fn settings(&mut self, settings: &Settings, guards: &str) {
        self.conditions(&settings.when, guards);
        for (_, variable) in settings.variables.iter() {
            if let template::Variable::Source(node) = variable {
                self.node(node, guards);
            }
        }
        let nodes = [&settings.escalate, &settings.escalate_user, &settings.ignore_errors, &settings.check_mode];
        for node in nodes {
            self.maybe(node.as_ref(), guards);
        }
        settings.environment.iter().for_each(|node| self.node(node, guards));
    }

    fn conditions(&mut self, conditions: &[Condition], guards: &str) {
        for condition in conditions {
            self.expression(&condition.text, &condition.place, guards);
        }
    }

    fn maybe(&mut self, node: Option<&Node>, guards: &str) {
        if let Some(node) = node {
            self.node(node, guards);
        }
    }

    fn node(&mut self, node: &Node, guards: &str) {
        let mut texts = Vec::new();
        node.each_text(&mut |node, text| texts.push((node.place.clone(), text)));
        for (place, text) in texts {
            self.text(text, &place, guards);
        }
    }

    fn text(&mut self, text: &str, place: &Place, guards: &str) {
        if !template::is_template(text) {
            return;
        }
        match template::check_text(text, place) {
            Err(mistake) => self.mistakes.push(mistake),
            Ok(()) => {
                for name in template::names_of_text(text) {
                    self.undefined([name.clone()].into(), &line_of(&name, text, place), guards);
                }
            }
        }
    }

    fn expression(&mut self, text: &str, place: &Place, guards: &str) {
        match template::check_expression(text, place) {
            Err(mistake) => self.mistakes.push(mistake),
            Ok(()) => self.undefined(template::names_of_expression(text), place, guards),
        }
    }

    fn undefined(&mut self, used: BTreeSet<String>, place: &Place, guards: &str) {
        for name in used {
            if self.names.contains(&name) || template::is_guarded(guards, &name) {
                continue;
            }
            if ["lookup", "query", "q"].contains(&name.as_str()) {
                let hint = "`copy` and `template` read files, and variables come from the spec";
                let failure = Failure::invalid(format!("`{name}` is not supported yet")).place(place.clone());
                self.mistakes.push(failure.hint(hint));
                continue;
            }
            let failure = Failure::invalid(format!("nothing defines `{name}`")).place(place.clone());
            let hint = match nearest::name(&name, self.names.iter().map(String::as_str)) {
                Some(nearest) => format!("is it `{nearest}`?"),
                None => format!("define it in `vars`, or say `{name} | default(...)`"),
            };
            self.mistakes.push(failure.hint(hint));
        }
    }
}

/// The line of a whole file in which a name is used first.
fn line_of(name: &str, text: &str, place: &Place) -> Place {
    if place.line > 0 {
        return place.clone();
    }
    let word = regex::Regex::new(&format!(r"\{{[{{%].*\b{}\b", regex::escape(name)));
    let at = word.ok().and_then(|word| text.lines().position(|line| word.is_match(line)));
    let line = at.and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(0);
    Place::at(place.file.clone(), line, 0)
}

/// What guards the names in a task: its conditions.
fn guards(settings: &Settings) -> String {
    settings.when.iter().map(|condition| condition.text.as_str()).collect::<Vec<_>>().join("\n")
}
