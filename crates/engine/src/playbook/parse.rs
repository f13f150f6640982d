//! Makes typed plays of a playbook; every mistake at once, each with its place and a hint.

mod call;
mod fields;
mod free_form;
mod keywords;
mod repeat;
mod task;

use fields::Fields;

use super::node::Node;
use super::play::{Play, Playbook, Strategy};
use super::yaml;
use crate::asset::Assets;
use crate::failure::{Failure, Result};
use crate::place::Place;

/// Files that import each other deeper than this do so in a circle.
const DEEPEST_IMPORT: usize = 20;

/// Loads a playbook and all that it imports.
pub fn load(name: &str, assets: &dyn Assets) -> Result<Playbook, Vec<Failure>> {
    let asset = assets.read(name).map_err(|failure| vec![failure])?;
    let text = asset.text().map_err(|failure| vec![failure])?;
    let mut parser = Parser { assets, mistakes: Vec::new(), next_task: 0, depth: 0, file: name.to_owned() };
    let plays = parser.file(&asset.origin, text);
    if parser.mistakes.is_empty() {
        Ok(Playbook { name: name.to_owned(), origin: asset.origin.into(), plays })
    } else {
        // Those of one file stay together, in the order of its lines.
        parser.mistakes.sort_by(|one, other| one.place.cmp(&other.place));
        Err(parser.mistakes)
    }
}

struct Parser<'a> {
    assets: &'a dyn Assets,
    mistakes: Vec<Failure>,
    /// The number of the next task within the play.
    next_task: usize,
    depth: usize,
    /// The name of the file being parsed, to find its neighbours.
    file: String,
}

impl Parser<'_> {
    fn file(&mut self, origin: &str, text: &str) -> Vec<Play> {
        let node = match yaml::read(origin, text) {
            Ok(Some(node)) => node,
            Ok(None) => return Vec::new(),
            Err(mistakes) => {
                self.mistakes.extend(mistakes);
                return Vec::new();
            }
        };
        let Some(plays) = node.as_list() else {
            self.mistake(&node.place, format!("a playbook is a list of plays, not {}", node.kind()));
            return Vec::new();
        };
        plays.iter().flat_map(|play| self.play(play)).collect()
    }

    fn play(&mut self, node: &Node) -> Vec<Play> {
        let Some(mut fields) = Fields::of(self, node, "a play") else { return Vec::new() };
        for import in ["import_playbook", "ansible.builtin.import_playbook"] {
            if let Some(file) = fields.text(self, import) {
                fields.skip(&["name", "when", "tags", "vars"]);
                fields.finish(self, keywords::PLAY, "a play");
                return self.import(&file, &node.place);
            }
        }
        self.next_task = 0;
        let hosts = fields.take("hosts");
        if hosts.is_none() {
            let what = "this play does not say on which `hosts` it runs";
            self.mistakes.push(Failure::invalid(what).place(node.place.clone()).hint("say `hosts: all`"));
        }
        let hosts = hosts.map(|hosts| self.words(&hosts)).unwrap_or_default();
        let name = fields.take("name");
        let strategy = self.strategy(&mut fields);
        let gather_facts = fields.flag(self, "gather_facts").unwrap_or(true);
        fields.skip(keywords::PLAY_WITHOUT_MEANING);
        let settings = self.settings(&mut fields);
        let pre_tasks = self.list(&mut fields, "pre_tasks");
        let tasks = self.list(&mut fields, "tasks");
        let post_tasks = self.list(&mut fields, "post_tasks");
        let handlers = self.handlers(&mut fields);
        fields.finish(self, keywords::PLAY, "a play");
        let (place, size) = (node.place.clone(), self.next_task);
        vec![Play {
            place,
            name,
            hosts,
            strategy,
            gather_facts,
            settings,
            pre_tasks,
            tasks,
            post_tasks,
            handlers,
            size,
        }]
    }

    fn strategy(&mut self, fields: &mut Fields) -> Strategy {
        match fields.take("strategy") {
            None => Strategy::Linear,
            Some(node) => match node.as_text() {
                Some("linear" | "ansible.builtin.linear") => Strategy::Linear,
                Some("free" | "ansible.builtin.free") => Strategy::Free,
                _ => {
                    self.mistake(&node.place, "`strategy` is `linear` or `free`");
                    Strategy::Linear
                }
            },
        }
    }

    fn import(&mut self, name: &str, place: &Place) -> Vec<Play> {
        self.within(name, place, Self::file).unwrap_or_default()
    }

    /// Reads a file beside the one being parsed, and parses it by a function.
    fn within<T>(&mut self, name: &str, place: &Place, parse: impl FnOnce(&mut Self, &str, &str) -> T) -> Option<T> {
        if self.depth == DEEPEST_IMPORT {
            self.mistake(place, format!("`{name}` is imported in a circle"));
            return None;
        }
        let beside = self.beside(name);
        let asset = match self.assets.read(&beside) {
            Ok(asset) => asset,
            Err(failure) => {
                let place = failure.place.clone().unwrap_or_else(|| place.clone());
                self.mistakes.push(failure.place(place));
                return None;
            }
        };
        let text = match asset.text() {
            Ok(text) => text,
            Err(failure) => {
                self.mistakes.push(failure.place(place.clone()));
                return None;
            }
        };
        let outer = std::mem::replace(&mut self.file, beside);
        self.depth += 1;
        let parsed = parse(self, &asset.origin, text);
        self.depth -= 1;
        self.file = outer;
        Some(parsed)
    }

    /// The name of a file beside the one being parsed.
    fn beside(&self, name: &str) -> String {
        match self.file.rsplit_once('/') {
            Some((directory, _)) if !name.starts_with('/') => format!("{directory}/{name}"),
            _ => name.to_owned(),
        }
    }

    /// A list of words, or words between commas or colons as in `hosts`.
    fn words(&mut self, node: &Node) -> Vec<String> {
        if let Some(items) = node.as_list() {
            return items.iter().flat_map(|item| self.words(item)).collect();
        }
        let Some(text) = node.as_text() else {
            self.mistake(&node.place, format!("text or a list of it is needed, not {}", node.kind()));
            return Vec::new();
        };
        text.split([',', ':']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn mistake(&mut self, place: &Place, what: impl Into<String>) {
        self.mistakes.push(Failure::invalid(what).place(place.clone()));
    }
}
