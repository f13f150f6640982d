//! What the runner carries out itself: it needs variables and no host.

use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::done::{Control, Done};
use super::runner::Runner;
use crate::failure::{Failure, Result};
use crate::module::{Assert, Debug, Module, Pause};
use crate::playbook::play::Task;
use crate::template::{self, Context};

impl Runner<'_> {
    /// Carries out a control module; `None` if the module is one for hosts.
    pub(super) async fn controlled(&self, task: &Task, module: &Module, context: &Context) -> Option<Result<Done>> {
        Some(match module {
            Module::Assert(args) => assert(args, task, context),
            Module::Debug(args) => debug(args, task, context),
            Module::Fail(args) => Err(Failure::step(args.msg.clone())),
            Module::Meta(args) => match args.action.as_str() {
                "flush_handlers" => Ok(Done { control: Some(Control::Flush), ..Done::default() }),
                "end_host" | "end_play" => Ok(Done { control: Some(Control::End), ..Done::default() }),
                "noop" | "clear_facts" | "reset_connection" | "refresh_inventory" => Ok(Done::default()),
                other => Err(Failure::step(format!("`meta` knows no `{other}`"))
                    .hint("it knows flush_handlers, end_host, end_play and noop")),
            },
            Module::Pause(args) => {
                pause(args).await;
                Ok(Done::default())
            }
            Module::SetFact(args) => {
                Ok(Done { facts: args.facts.clone(), result: facts(&args.facts), ..Done::default() })
            }
            _ => return None,
        })
    }
}

fn facts(facts: &Map<String, Json>) -> Map<String, Json> {
    Map::from_iter([("ansible_facts".to_owned(), Json::Object(facts.clone()))])
}

fn assert(args: &Assert, task: &Task, context: &Context) -> Result<Done> {
    let conditions = match &args.that {
        Json::Array(conditions) => conditions.clone(),
        one => vec![one.clone()],
    };
    for condition in conditions {
        let text = match condition {
            Json::Bool(boolean) => boolean.to_string(),
            other => template::print(&other),
        };
        if !template::holds(&text, &task.place, context)? {
            let failure =
                Failure::step(args.fail_msg.clone().unwrap_or_else(|| "an assertion does not hold".to_owned()));
            return Err(failure.cause(format!("not so: {text}")));
        }
    }
    let notes = args.success_msg.iter().filter(|_| !args.quiet.0).cloned().collect();
    Ok(Done { notes, ..Done::default() })
}

fn debug(args: &Debug, task: &Task, context: &Context) -> Result<Done> {
    let (name, value) = match (&args.var, &args.msg) {
        (Some(expression), _) => (expression.as_str(), template::evaluate(expression, &task.place, context)?),
        (None, Some(message)) => ("msg", message.clone()),
        (None, None) => ("msg", Json::String("Hello world!".to_owned())),
    };
    let shown = match &value {
        Json::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    let note = if args.var.is_some() { format!("{name}: {shown}") } else { shown };
    Ok(Done { notes: vec![note], result: Map::from_iter([(name.to_owned(), value)]), ..Done::default() })
}

async fn pause(args: &Pause) {
    let seconds = args.seconds.unwrap_or(0) + args.minutes.unwrap_or(0) * 60;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
