//! One task on one host: conditions, loops, what is kept and what is said of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::done::{Control, Done, told};
use super::judge::{holds, judged};
use super::repeat::items;
use super::runner::{Runner, Stop};
use super::settings::Inherited;
use super::turns::{Position, Turn};
use crate::event::{Step, Unit};
use crate::failure::{Failure, Kind, Result};
use crate::playbook::play::{Play, Task};
use crate::template::{self, Layer, Level, Scope, Variable};

impl Runner<'_> {
    pub(super) async fn task(
        &mut self,
        play: &Play,
        task: &Task,
        outer: &Inherited<'_>,
        turn: &Turn<'_>,
        at: Position,
    ) -> Result<(), Stop> {
        if self.shared.options.cancel.as_ref().is_some_and(tokio_util::sync::CancellationToken::is_cancelled) {
            return Err(Stop::Failed(Failure::interrupted()));
        }
        let inherited = outer.within(&task.settings, Level::Task);
        if !self.is_selected(&inherited.tags) {
            return Ok(());
        }
        let scope = self.scope(&inherited);
        let context = scope.context();
        let hidden = inherited.hides(&context).unwrap_or(true);
        // A name that needs what is not defined yet is shown as it was written.
        let name = task.name.as_ref().and_then(|name| template::resolve(name, &context).ok());
        let name = name.map_or_else(|| task.title().to_owned(), |name| template::print(&name));
        let step = self.shared.step.child_of(name.as_str(), self.name(), self.last.as_slice());
        self.last = Some(step.id());
        let once = inherited.runs_once(&context).unwrap_or(false);
        let done = if once && !turn.is_first() {
            Done::skipped("it runs once, on another host".to_owned())
        } else {
            self.repeated(task, &inherited, &scope, &step).await
        };
        let ignored = inherited.ignores_errors(&context).unwrap_or(false);
        let control = done.control;
        self.conclude(play, task, &name, step, done, Telling { hidden, ignored, scope: &scope })?;
        match control {
            Some(Control::End) => Err(Stop::End),
            // Boxed, since handlers are tasks.
            Some(Control::Flush) => Box::pin(self.flush(play, outer, turn, at)).await,
            None => Ok(()),
        }
    }

    fn is_selected(&self, tags: &[&str]) -> bool {
        let options = self.shared.options;
        let has = |wanted: &String| tags.contains(&wanted.as_str());
        let always = tags.contains(&"always");
        let chosen = options.tags.is_empty() && !tags.contains(&"never") || always || options.tags.iter().any(has);
        chosen && !options.skip_tags.iter().any(has)
    }

    /// Runs a task once, or for each item of its loop.
    async fn repeated(&mut self, task: &Task, inherited: &Inherited<'_>, scope: &Scope, step: &Step) -> Done {
        let Some(repeat) = &task.repeat else { return self.tried(task, inherited, scope, step).await };
        let items = match items(repeat, &scope.context()) {
            Ok(items) => items,
            // As in Ansible, a condition that does not hold skips a loop over what is not defined.
            Err(failure) => match holds(&inherited.when, &scope.context()) {
                Ok(Some(reason)) => return Done::skipped(reason),
                _ => return Done::failed(failure),
            },
        };
        let many = items.len();
        let mut all = Done::default();
        let mut results = Vec::new();
        let mut skipped = 0;
        for (index, item) in items.into_iter().enumerate() {
            let mut layer = Layer::data([(repeat.variable.clone(), item.clone())]);
            if let Some(name) = &repeat.index_variable {
                layer.set(name.as_str(), Variable::Data(index.into()));
            }
            let scope = scope.with(Level::Magic, Arc::new(layer));
            if let (true, Some(pause)) = (index > 0, &repeat.pause) {
                tokio::time::sleep(seconds(template::resolve(pause, &scope.context()), 0)).await;
            }
            step.progress(index as u64, Some(many as u64), Unit::Items);
            let done = self.tried(task, inherited, &scope, step).await;
            let mut result = done.registered();
            if let Json::Object(result) = &mut result {
                result.insert(repeat.variable.clone(), item);
                result.insert("ansible_loop_var".to_owned(), repeat.variable.as_str().into());
            }
            results.push(result);
            skipped += usize::from(done.skipped.is_some());
            all.changed |= done.changed;
            all.facts.extend(done.facts);
            all.diffs.extend(done.diffs);
            all.notes.extend(done.notes);
            all.failure = all.failure.take().or(done.failure);
        }
        if many == skipped {
            all.skipped = Some(if many == 0 { "there are no items" } else { "no item's condition holds" }.to_owned());
        }
        all.result = Map::from_iter([("results".to_owned(), Json::Array(results))]);
        all
    }

    /// Runs a task for one item, as often as `until` and `retries` say.
    async fn tried(&mut self, task: &Task, inherited: &Inherited<'_>, scope: &Scope, step: &Step) -> Done {
        let context = scope.context();
        match holds(&inherited.when, &context) {
            Ok(None) => {}
            Ok(Some(reason)) => return Done::skipped(reason),
            Err(failure) => return Done::failed(failure),
        }
        let retries = match (&task.retries, &task.until) {
            (None, None) => 0,
            (None, Some(_)) => 3,
            (Some(node), _) => match whole(template::resolve(node, &context)) {
                Some(retries) => retries,
                None => return Done::failed(Failure::invalid("`retries` is a whole number").place(node.place.clone())),
            },
        };
        let delay =
            task.delay.as_ref().map_or(Duration::from_secs(5), |node| seconds(template::resolve(node, &context), 5));
        let mut tries = 0;
        loop {
            tries += 1;
            let mut done = self.called(task, inherited, scope, step).await;
            let verdict = judged(task, &mut done, scope);
            if retries > 0 {
                done.result.insert("attempts".to_owned(), json!(tries));
            }
            match verdict {
                Ok(true) => return done,
                Ok(false) if tries > retries => {
                    done.failure.get_or_insert_with(|| Failure::step(format!("`until` did not hold in {tries} tries")));
                    return done;
                }
                Ok(false) => step.waiting(format!("try {} of {}", tries + 1, retries + 1)),
                Err(failure) => return Done { failure: Some(failure), ..done },
            }
            if self.shared.options.cancel.as_ref().is_some_and(tokio_util::sync::CancellationToken::is_cancelled) {
                return Done::failed(Failure::interrupted());
            }
            tokio::time::sleep(delay).await;
        }
    }

    /// Keeps what a task did, and says it.
    fn conclude(
        &mut self,
        play: &Play,
        task: &Task,
        name: &str,
        step: Step,
        done: Done,
        telling: Telling<'_>,
    ) -> Result<(), Stop> {
        if let Some(register) = &task.register {
            self.set(register, done.registered());
        }
        if task.call.entry.name == "set_fact" {
            done.facts.into_iter().for_each(|(name, value)| self.set(&name, value));
        } else {
            self.add_facts(done.facts);
        }
        if done.changed && done.failure.is_none() {
            self.notify(play, task, telling.scope);
        }
        if !telling.hidden {
            done.notes.into_iter().for_each(|note| step.note(note));
            if self.shared.options.diff || self.shared.options.check {
                done.diffs
                    .iter()
                    .flat_map(|diff| diff.unified().lines().map(str::to_owned).collect::<Vec<_>>())
                    .for_each(|line| step.output(line));
            }
        }
        match (done.failure, done.skipped) {
            (Some(failure), _) => {
                let failure = told(self.name(), name, task, failure, &done.result, telling.hidden);
                if telling.ignored && failure.kind != Kind::Interrupted {
                    self.recap.ok += 1;
                    self.recap.ignored += 1;
                    step.note(format!("it failed, which is ignored: {failure}"));
                    step.finish(done.changed);
                    return Ok(());
                }
                self.recap.failed += 1;
                step.fail(&failure);
                Err(Stop::Failed(failure))
            }
            (None, Some(reason)) => {
                self.recap.skipped += 1;
                step.skip(reason);
                Ok(())
            }
            (None, None) => {
                self.recap.ok += 1;
                if done.changed {
                    self.recap.changed += 1;
                    self.recap.changed_tasks.push(name.to_owned());
                }
                step.finish(done.changed);
                Ok(())
            }
        }
    }

    fn notify(&mut self, play: &Play, task: &Task, scope: &Scope) {
        for name in &task.notify {
            let text = template::resolve(name, &scope.context()).map(|name| template::print(&name));
            let Ok(text) = text else { continue };
            for (number, handler) in play.handlers.iter().enumerate() {
                if handler.title() == text || handler.listen.contains(&text) {
                    self.notified.insert(number);
                }
            }
        }
    }
}

/// How much is said of a task, and what its names mean.
#[derive(Clone, Copy)]
struct Telling<'a> {
    hidden: bool,
    ignored: bool,
    scope: &'a Scope,
}

fn whole(value: Result<Json>) -> Option<u64> {
    template::print(&value.ok()?).trim().parse().ok()
}

fn seconds(value: Result<Json>, default: u64) -> Duration {
    let seconds = value.ok().and_then(|value| template::print(&value).trim().parse::<f64>().ok());
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(Duration::from_secs(default))
}
