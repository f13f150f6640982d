//! One host's way through the plays.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::settings::Inherited;
use super::turns::{Position, Turn};
use super::{HostContext, HostRecap, RunOptions};
use crate::asset::Assets;
use crate::event::{Step, StepId};
use crate::failure::Failure;
use crate::playbook::play::Play;
use crate::template::{Layer, Level, Scope, Variable};

/// What all hosts of a run share.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    pub assets: &'a dyn Assets,
    pub options: &'a RunOptions,
    pub step: &'a Step,
    /// The playbook's name, to find files beside it.
    pub file: &'a str,
    pub hosts: &'a [HostContext<'a>],
}

/// Why a list of tasks ended before its end.
pub enum Stop {
    /// A task failed.
    Failed(Failure),
    /// A task ended the play for this host.
    End,
}

pub struct Runner<'a> {
    pub(super) context: &'a HostContext<'a>,
    pub(super) shared: &'a Shared<'a>,
    pub(super) recap: HostRecap,
    /// The handlers that were notified and have not run, by their place in the play.
    pub(super) notified: BTreeSet<usize>,
    /// The step of the task before, for the critical path.
    pub(super) last: Option<StepId>,
    inventory: Arc<Layer>,
    extra: Arc<Layer>,
    facts: Arc<Layer>,
    registered: Arc<Layer>,
    magic: Arc<Layer>,
}

impl<'a> Runner<'a> {
    pub fn new(context: &'a HostContext<'a>, shared: &'a Shared<'a>) -> Self {
        Self {
            context,
            shared,
            recap: HostRecap { host: context.host.name().to_owned(), ..HostRecap::default() },
            notified: BTreeSet::new(),
            last: None,
            inventory: Arc::new(context.variables.clone()),
            extra: Arc::new(context.extra.clone()),
            facts: Arc::default(),
            registered: Arc::default(),
            magic: Arc::default(),
        }
    }

    pub fn name(&self) -> &'a str {
        self.context.host.name()
    }

    pub fn has_failed(&self) -> bool {
        self.recap.failure.is_some()
    }

    pub fn into_recap(self) -> HostRecap {
        self.recap
    }

    /// Whether a play's `hosts` mean this host.
    pub fn is_meant(&self, patterns: &[String]) -> bool {
        let matches = |pattern: &str| {
            pattern == "all"
                || pattern == "*"
                || pattern == self.name()
                || self.context.groups.iter().any(|group| group == pattern)
        };
        let mut meant = false;
        for pattern in patterns {
            match pattern.chars().next() {
                Some('!') => meant &= !matches(&pattern[1..]),
                Some('&') => meant &= matches(&pattern[1..]),
                _ => meant |= matches(pattern),
            }
        }
        meant
    }

    /// Runs a play; its failure is kept in the recap.
    pub async fn play(&mut self, play: &Play, turn: Turn<'_>, names: &[String]) {
        self.magic = Arc::new(self.magic(names));
        self.notified.clear();
        let inherited = Inherited::default().within(&play.settings, Level::Play);
        match self.sections(play, &inherited, &turn).await {
            Ok(()) | Err(Stop::End) => {}
            Err(Stop::Failed(failure)) => self.recap.failure = Some(failure),
        }
    }

    async fn sections(&mut self, play: &Play, inherited: &Inherited<'_>, turn: &Turn<'_>) -> Result<(), Stop> {
        if play.gather_facts {
            turn.at((0, 0, 0)).await;
            self.gather().await?;
        }
        let sections = [&play.pre_tasks, &play.tasks, &play.post_tasks];
        for (number, section) in (1_u8..).step_by(2).zip(sections) {
            self.items(play, section, inherited, turn, number).await?;
            self.flush(play, inherited, turn, (number + 1, 0, 0)).await?;
        }
        Ok(())
    }

    /// Runs the handlers that were notified, in the order in which the play lists them.
    pub(super) async fn flush(
        &mut self,
        play: &Play,
        inherited: &Inherited<'_>,
        turn: &Turn<'_>,
        at: Position,
    ) -> Result<(), Stop> {
        // A handler may notify one further down.
        while let Some(number) = self.notified.pop_first() {
            let handler = &play.handlers[number];
            turn.at((at.0, at.1, number + 1)).await;
            self.task(play, handler, inherited, turn, (at.0, at.1, number + 1)).await?;
        }
        Ok(())
    }

    /// What a task sees.
    pub(super) fn scope(&self, inherited: &Inherited<'_>) -> Scope {
        let mut scope = Scope::default()
            .with(Level::Inventory, Arc::clone(&self.inventory))
            .with(Level::Facts, Arc::clone(&self.facts))
            .with(Level::Registered, Arc::clone(&self.registered))
            .with(Level::Extra, Arc::clone(&self.extra))
            .with(Level::Magic, Arc::clone(&self.magic));
        for (level, layer) in &inherited.layers {
            scope = scope.with(*level, Arc::clone(layer));
        }
        scope
    }

    /// Keeps a result or a fact that a task set; data, never rendered.
    pub(super) fn set(&mut self, name: &str, value: Json) {
        Arc::make_mut(&mut self.registered).set(name, Variable::Data(value));
    }

    pub(super) fn add_facts(&mut self, facts: Map<String, Json>) {
        let layer = Arc::make_mut(&mut self.facts);
        for (name, value) in facts {
            layer.set(name, Variable::Data(value));
        }
    }

    /// The names that the engine defines.
    fn magic(&self, play_hosts: &[String]) -> Layer {
        let hosts = self.shared.hosts;
        let mut groups: Map<String, Json> = Map::new();
        let mut hostvars: Map<String, Json> = Map::new();
        for host in hosts {
            for group in host.groups.iter().map(String::as_str).chain(["all"]) {
                let members = groups.entry(group).or_insert_with(|| json!([]));
                if let Some(members) = members.as_array_mut() {
                    members.push(host.host.name().into());
                }
            }
            hostvars.insert(host.host.name().to_owned(), Json::Object(known_of(host)));
        }
        let name = self.name();
        let directory = self.shared.file.rsplit_once('/').map_or(".", |(directory, _)| directory);
        Layer::data([
            ("inventory_hostname".to_owned(), json!(name)),
            ("inventory_hostname_short".to_owned(), json!(name.split('.').next())),
            ("ansible_host".to_owned(), json!(self.context.host.address())),
            ("ansible_user".to_owned(), json!(self.context.user)),
            ("group_names".to_owned(), json!(self.context.groups)),
            ("groups".to_owned(), Json::Object(groups)),
            ("hostvars".to_owned(), Json::Object(hostvars)),
            ("ansible_play_hosts".to_owned(), json!(play_hosts)),
            ("ansible_play_hosts_all".to_owned(), json!(play_hosts)),
            ("play_hosts".to_owned(), json!(play_hosts)),
            ("ansible_check_mode".to_owned(), json!(self.shared.options.check)),
            ("ansible_diff_mode".to_owned(), json!(self.shared.options.diff)),
            ("playbook_dir".to_owned(), json!(directory)),
        ])
    }
}

/// What one host knows of another: the data of its inventory.
fn known_of(host: &HostContext<'_>) -> Map<String, Json> {
    let mut known: Map<String, Json> = Map::new();
    for (name, variable) in host.variables.iter() {
        if let Variable::Data(data) = variable {
            known.insert(name.to_owned(), data.clone());
        }
    }
    known.insert("inventory_hostname".to_owned(), json!(host.host.name()));
    known.insert("ansible_host".to_owned(), json!(host.host.address()));
    known
}
