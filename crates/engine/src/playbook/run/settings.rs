//! What a task inherits from its blocks and its play.

use std::sync::Arc;

use serde_json::Value as Json;

use super::super::node::Node;
use super::super::play::{Condition, Settings};
use crate::failure::{Failure, Result};
use crate::template::{self, Context, Layer, Level};

/// The settings from a play down to a task.
#[derive(Clone, Default)]
pub struct Inherited<'a> {
    pub when: Vec<&'a Condition>,
    pub layers: Vec<(Level, Arc<Layer>)>,
    pub environment: Vec<&'a Node>,
    pub tags: Vec<&'a str>,
    escalate: Option<&'a Node>,
    escalate_user: Option<&'a Node>,
    ignore_errors: Option<&'a Node>,
    no_log: Option<&'a Node>,
    check_mode: Option<&'a Node>,
    run_once: Option<&'a Node>,
}

impl<'a> Inherited<'a> {
    /// The same with what is said further in.
    #[must_use]
    pub fn within(&self, settings: &'a Settings, level: Level) -> Self {
        let mut inner = self.clone();
        inner.when.extend(&settings.when);
        inner.layers.push((level, Arc::clone(&settings.variables)));
        inner.environment.extend(&settings.environment);
        inner.tags.extend(settings.tags.iter().map(String::as_str));
        let override_by = |outer: &mut Option<&'a Node>, given: &'a Option<Node>| *outer = given.as_ref().or(*outer);
        override_by(&mut inner.escalate, &settings.escalate);
        override_by(&mut inner.escalate_user, &settings.escalate_user);
        override_by(&mut inner.ignore_errors, &settings.ignore_errors);
        override_by(&mut inner.no_log, &settings.no_log);
        override_by(&mut inner.check_mode, &settings.check_mode);
        override_by(&mut inner.run_once, &settings.run_once);
        inner
    }

    pub fn ignores_errors(&self, context: &Context) -> Result<bool> {
        flag(self.ignore_errors, context).map(|flag| flag.unwrap_or(false))
    }

    pub fn hides(&self, context: &Context) -> Result<bool> {
        flag(self.no_log, context).map(|flag| flag.unwrap_or(false))
    }

    /// Whether the task says that it is checked only, or that it runs even so.
    pub fn check_mode(&self, context: &Context) -> Result<Option<bool>> {
        flag(self.check_mode, context)
    }

    pub fn runs_once(&self, context: &Context) -> Result<bool> {
        flag(self.run_once, context).map(|flag| flag.unwrap_or(false))
    }

    /// The user as whom commands run, who logs in unless the task says otherwise.
    pub fn user(&self, login: &str, context: &Context) -> Result<String> {
        if !flag(self.escalate, context)?.unwrap_or(false) {
            return Ok(login.to_owned());
        }
        match self.escalate_user {
            None => Ok("root".to_owned()),
            Some(node) => match template::resolve(node, context)? {
                Json::String(user) => Ok(user),
                other => {
                    Err(Failure::invalid(format!("`become_user` is a name, not {other}")).place(node.place.clone()))
                }
            },
        }
    }

    /// The environment of commands; the inner wins.
    pub fn environment(&self, context: &Context) -> Result<Vec<(String, String)>> {
        let mut environment: Vec<(String, String)> = Vec::new();
        for node in &self.environment {
            let Json::Object(entries) = template::resolve(node, context)? else {
                return Err(Failure::invalid("`environment` is a map of names and values").place(node.place.clone()));
            };
            for (name, value) in entries {
                environment.retain(|(there, _)| *there != name);
                environment.push((name, template::print(&value)));
            }
        }
        Ok(environment)
    }
}

/// A boolean that may be a template.
fn flag(node: Option<&Node>, context: &Context) -> Result<Option<bool>> {
    let Some(node) = node else { return Ok(None) };
    let value = template::resolve(node, context)?;
    match template::truth(&value) {
        Some(flag) => Ok(Some(flag)),
        None => Err(Failure::invalid(format!("{value} is not true or false")).place(node.place.clone())),
    }
}
