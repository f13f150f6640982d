//! Which module a task calls, and with what.

use super::super::node::{Key, Node, Value};
use super::super::play::Call;
use super::fields::Fields;
use super::{Parser, free_form, keywords};
use crate::failure::Failure;
use crate::module::arg::{Given, Parameter};
use crate::module::{self, Entry};
use crate::{nearest, template};

impl Parser<'_> {
    pub(super) fn call(&mut self, task: &Node, fields: &mut Fields) -> Option<Call> {
        let more = fields.take("args");
        let Some((key, given)) = fields.take_where(|name| module::find(name).is_some()) else {
            self.no_module(task, fields);
            return None;
        };
        let entry = module::find(&key.text)?;
        if let Some((other, _)) = fields.take_where(|name| module::find(name).is_some()) {
            self.mistake(&other.place, format!("a task calls one module: `{}` or `{}`", key.text, other.text));
        }
        let mut arguments = self.arguments(entry, &key, &given);
        if let Some(node) = more.filter(|node| !node.is_null()) {
            match node.value {
                Value::Map(entries) => arguments.extend(entries),
                _ => self.mistake(&node.place, "`args` is a map of parameters"),
            }
        }
        let call = Call { place: key.place, entry, arguments };
        self.check_arguments(&call);
        Some(call)
    }

    fn no_module(&mut self, task: &Node, fields: &mut Fields) {
        let not_ours = |name: &str| !keywords::TASK.contains(&name) && !keywords::NOT_YET.contains(&name);
        let Some((key, _)) = fields.take_where(not_ours) else {
            self.mistake(&task.place, "this task calls no module");
            return;
        };
        let short = key.text.rsplit('.').next().unwrap_or(&key.text);
        let known = module::names().chain(keywords::TASK.iter().copied());
        let mistake =
            Failure::invalid(format!("there is no module or keyword `{}`", key.text)).place(key.place.clone());
        self.mistakes.push(match nearest::name(short, known) {
            Some(nearest) => mistake.hint(format!("is it `{nearest}`?")),
            None => mistake.hint("`command` and `shell` run whatever the host has"),
        });
    }

    /// What follows the module's name: a map, words, or a command.
    fn arguments(&mut self, entry: &Entry, key: &Key, given: &Node) -> Vec<(Key, Node)> {
        match &given.value {
            Value::Map(entries) => entries.clone(),
            Value::List(_) => {
                self.mistake(&given.place, format!("`{}` takes a map of parameters, not a list", key.text));
                Vec::new()
            }
            Value::Scalar(_) if given.is_null() => Vec::new(),
            Value::Scalar(scalar) => match free_form::split(entry, &scalar.text, &given.place) {
                Ok(entries) => entries,
                Err(what) => {
                    self.mistake(&given.place, what);
                    Vec::new()
                }
            },
        }
    }

    fn check_arguments(&mut self, call: &Call) {
        let Some(parameters) = call.entry.parameters else { return };
        for (key, node) in &call.arguments {
            match parameters.iter().find(|parameter| parameter.is(&key.text)) {
                Some(parameter) => self.check_value(parameter, key, node),
                None => self.unknown_parameter(call, parameters, key),
            }
        }
        for parameter in parameters.iter().filter(|parameter| parameter.required) {
            if !call.arguments.iter().any(|(key, _)| parameter.is(&key.text)) {
                let what = format!("`{}` needs the parameter `{}`", call.entry.name, parameter.name);
                let mistake = Failure::invalid(what).place(call.place.clone());
                self.mistakes.push(mistake.hint(format!("{}: {}", parameter.name, parameter.documentation.trim())));
            }
        }
    }

    /// Tries a value that no template can change.
    fn check_value(&mut self, parameter: &Parameter, key: &Key, node: &Node) {
        let mut templated = false;
        node.each_text(&mut |_, text| templated |= template::is_template(text));
        if templated {
            return;
        }
        let value = node.to_json();
        if let Err(wrong) = (parameter.check)(Given { value: &value, written: node.as_text() }) {
            self.mistake(&node.place, format!("`{}`: {wrong}", key.text));
        }
    }

    fn unknown_parameter(&mut self, call: &Call, parameters: &[Parameter], key: &Key) {
        let names = || parameters.iter().map(|parameter| parameter.name);
        let what = format!("`{}` has no parameter `{}`", call.entry.name, key.text);
        let hint = match nearest::name(&key.text, names()) {
            Some(nearest) => format!("is it `{nearest}`?"),
            None => format!("it has {}", names().collect::<Vec<_>>().join(", ")),
        };
        self.mistakes.push(Failure::invalid(what).place(key.place.clone()).hint(hint));
    }
}
