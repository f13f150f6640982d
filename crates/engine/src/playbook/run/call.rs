//! Calls a task's module: renders its arguments, reads its files, runs it.

use std::path::PathBuf;

use serde_json::{Map, Value as Json};

use super::done::Done;
use super::runner::{Runner, Stop};
use super::settings::Inherited;
use crate::event::Step;
use crate::failure::{Failure, Result};
use crate::host::Mode;
use crate::module::arg::{Arguments, Entry};
use crate::module::{Content, Copy, Module, Outcome, Setup, Template};
use crate::place::Place;
use crate::playbook::files;
use crate::playbook::node::Node;
use crate::playbook::play::Task;
use crate::template::{self, Context, Scope};

impl Runner<'_> {
    /// Runs a task's module once.
    pub(super) async fn called(&mut self, task: &Task, inherited: &Inherited<'_>, scope: &Scope, step: &Step) -> Done {
        let context = scope.context();
        match self.outcome(task, inherited, &context, step).await {
            Ok(done) => done,
            Err(failure) => Done::failed(failure),
        }
    }

    async fn outcome(&self, task: &Task, inherited: &Inherited<'_>, context: &Context, step: &Step) -> Result<Done> {
        let arguments = rendered(task, context)?;
        let module = task.call.entry.read(&arguments).map_err(all)?;
        if let Some(done) = self.controlled(task, &module, context).await {
            return done;
        }
        let module = self.with_files(module, task, context)?;
        let check = inherited.check_mode(context)?.unwrap_or(self.shared.options.check);
        let mode = if check { Mode::Check } else { Mode::Apply };
        let login = self.context.user.as_str();
        let user = inherited.user(login, context)?;
        let own = if self.context.host.is_escalated() { "root" } else { login };
        let mut view = self.context.host.view(mode).with_step(step).with_environment(inherited.environment(context)?);
        if user != own {
            view = view.as_user(user);
        }
        module.run(&mut view).await.map(done)
    }

    /// Gathers facts at a play's beginning.
    pub(super) async fn gather(&mut self) -> Result<(), Stop> {
        let step = self.shared.step.child_of("Gather facts", self.name(), self.last.as_slice());
        self.last = Some(step.id());
        let setup = Module::Setup(Setup { gather_subset: None, gather_timeout: None, filter: None });
        match setup.run(&mut self.context.host.view(Mode::Apply)).await {
            Ok(outcome) => {
                self.add_facts(outcome.facts);
                self.recap.ok += 1;
                step.finish(false);
                Ok(())
            }
            Err(failure) => {
                self.recap.failed += 1;
                let mut told = Failure::step(format!("{}: facts cannot be gathered", self.name()));
                told.causes = std::iter::once(failure.what).chain(failure.causes).collect();
                told.evidence = failure.evidence;
                step.fail(&told);
                Err(Stop::Failed(told))
            }
        }
    }

    /// Reads what a module needs of the workstation; a template becomes the copy of what it renders to.
    fn with_files(&self, module: Module, task: &Task, context: &Context) -> Result<Module> {
        match module {
            Module::Template(args) => self.template(args, task, context).map(Module::Copy),
            Module::Copy(mut args) if args.content.is_none() && !args.remote_src.0 => {
                let Some(src) = &args.src else { return Ok(Module::Copy(args)) };
                // A file by its path may be large: it is streamed.
                if src.starts_with('/') {
                    args.source = Some(PathBuf::from(src));
                } else {
                    args.content = Some(self.file(files::FILES, src, task)?);
                }
                Ok(Module::Copy(args))
            }
            Module::Unarchive(mut args) if !args.remote_src.0 && !args.src.contains("://") => {
                args.content = Some(self.file(files::FILES, &args.src, task)?);
                Ok(Module::Unarchive(args))
            }
            other => Ok(other),
        }
    }

    fn file(&self, kind: &str, src: &str, task: &Task) -> Result<Content> {
        let asset = files::read(self.shared.assets, self.shared.file, kind, src);
        asset.map(|asset| Content(asset.bytes.into_owned())).map_err(|failure| failure.place(task.place.clone()))
    }

    fn template(&self, args: Template, task: &Task, context: &Context) -> Result<Copy> {
        let asset = files::read(self.shared.assets, self.shared.file, files::TEMPLATES, &args.src)
            .map_err(|failure| failure.place(task.place.clone()))?;
        let text = template::render(asset.text()?, &Place::file(asset.origin.as_str()), context)?;
        Ok(Copy {
            dest: args.dest,
            content: Some(Content(text.into_bytes())),
            src: Some(args.src),
            source: None,
            remote_src: crate::module::arg::Flag(false),
            owner: args.owner,
            group: args.group,
            mode: args.mode,
            force: args.force,
            backup: args.backup,
            validate: args.validate,
            directory_mode: None,
            follow: args.follow,
        })
    }
}

/// A task's arguments, rendered; what is `omit` is left out.
fn rendered(task: &Task, context: &Context) -> Result<Arguments> {
    let mut entries = Vec::new();
    for (key, node) in &task.call.arguments {
        let value = match (task.call.entry.name, key.text.as_str()) {
            // These are expressions, evaluated by the runner.
            ("assert", "that") | ("debug", "var") => node.to_json(),
            _ => template::resolve(node, context)?,
        };
        let Some(value) = without_omitted(value) else { continue };
        entries.push(Entry { name: key.text.clone(), place: node.place.clone(), value, written: written(node) });
    }
    Ok(Arguments { place: task.call.place.clone(), entries })
}

fn written(node: &Node) -> Option<String> {
    node.as_text().filter(|text| node.is_unsafe() || !template::is_template(text)).map(str::to_owned)
}

fn without_omitted(value: Json) -> Option<Json> {
    match value {
        Json::String(text) if text == template::OMIT => None,
        Json::Array(items) => Some(items.into_iter().filter_map(without_omitted).collect()),
        Json::Object(entries) => {
            let kept: Map<String, Json> =
                entries.into_iter().filter_map(|(name, value)| Some((name, without_omitted(value)?))).collect();
            Some(Json::Object(kept))
        }
        other => Some(other),
    }
}

/// Several mistakes as one failure: the first, with the others as causes.
fn all(mistakes: Vec<Failure>) -> Failure {
    let mut mistakes = mistakes.into_iter();
    let first = mistakes.next().unwrap_or_else(|| Failure::invalid("the arguments are wrong"));
    mistakes.fold(first, Failure::cause)
}

fn done(outcome: Outcome) -> Done {
    let failure = outcome.failed.map(Failure::step);
    Done {
        changed: outcome.changed,
        skipped: outcome.skipped,
        failure,
        diffs: outcome.diff.into_iter().collect(),
        facts: outcome.facts,
        result: outcome.result,
        ..Done::default()
    }
}
