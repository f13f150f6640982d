//! The two verbs on a host: `see` alters nothing, `apply` is the only call that alters it.

use super::perform::{alter, answer};
use super::recorded::Recorded;
use super::{Answer, Applied, Attributes, Change, Command, Host, Output, Query, Stat};
use crate::event::Step;
use crate::failure::{Failure, Result};

/// Whether changes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Apply,
    /// Changes are withheld; all that is seen is true.
    Check,
}

/// What answers and is altered.
enum Backend<'a> {
    Ssh(&'a Host),
    Recorded(Box<Recorded>),
}

/// A host as one task of a playbook sees it.
pub struct HostView<'a> {
    backend: Backend<'a>,
    mode: Mode,
    step: Option<&'a Step>,
    environment: Vec<(String, String)>,
    /// As whom commands run, if not as the channel's user.
    user: Option<String>,
    changes: Vec<Change>,
}

impl<'a> HostView<'a> {
    pub fn new(host: &'a Host, mode: Mode) -> Self {
        Self::over(Backend::Ssh(host), mode)
    }

    /// A view of recorded answers, which collects the changes.
    pub fn recorded(recorded: Recorded, mode: Mode) -> HostView<'static> {
        HostView::over(Backend::Recorded(Box::new(recorded)), mode)
    }

    fn over(backend: Backend<'a>, mode: Mode) -> Self {
        Self { backend, mode, step: None, environment: Vec::new(), user: None, changes: Vec::new() }
    }

    /// Shows progress of long sendings and the output of live commands in a step.
    #[must_use]
    pub fn with_step(mut self, step: &'a Step) -> Self {
        self.step = Some(step);
        self
    }

    /// Adds variables to the environment of every command; a command's own win.
    #[must_use]
    pub fn with_environment(mut self, environment: Vec<(String, String)>) -> Self {
        self.environment = environment;
        self
    }

    /// Runs commands as another user; files are seen and altered as before.
    #[must_use]
    pub fn as_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// A command as it really runs here.
    fn prepared(&self, mut command: Command) -> Command {
        command.environment.splice(0..0, self.environment.iter().cloned());
        match &self.user {
            Some(user) => command.as_user(user),
            None => command,
        }
    }

    fn prepared_query(&self, query: Query) -> Query {
        match query {
            Query::Run(command) => Query::Run(self.prepared(command)),
            other => other,
        }
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// All changes that were applied or withheld, in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Answers a query, from the host as it is now.
    pub async fn see(&mut self, query: Query) -> Result<Answer> {
        let query = self.prepared_query(query);
        match &self.backend {
            Backend::Ssh(host) => answer(host, &query).await,
            Backend::Recorded(recorded) => recorded.answer(&query),
        }
    }

    /// Alters the host, or in check mode withholds it.
    ///
    /// A command that ends with another code than 0 is `Done`, for its caller to judge; every other change that does
    /// not come about is a failure.
    pub async fn apply(&mut self, change: Change) -> Result<Applied> {
        let change = match change {
            Change::Run(command) => Change::Run(self.prepared(command)),
            other => other,
        };
        let applied = match (&self.backend, self.mode) {
            (_, Mode::Check) => Applied::Withheld,
            (Backend::Ssh(host), Mode::Apply) => Applied::Done(alter(host, &change, self.step).await?),
            (Backend::Recorded(recorded), Mode::Apply) => Applied::Done(recorded.applied(&change)),
        };
        self.changes.push(change);
        Ok(applied)
    }

    /// A file's attributes; `None` if there is none.
    pub async fn stat(&mut self, path: impl Into<String>) -> Result<Option<Stat>> {
        match self.see(Query::Stat(path.into())).await? {
            Answer::Stat(stat) => Ok(stat),
            other => Err(mismatched(&other)),
        }
    }

    /// A file's content; `None` if there is none.
    pub async fn read(&mut self, path: impl Into<String>) -> Result<Option<Vec<u8>>> {
        match self.see(Query::Read(path.into())).await? {
            Answer::Read(content) => Ok(content),
            other => Err(mismatched(&other)),
        }
    }

    /// Runs a command that alters nothing, also in check mode.
    pub async fn run_query(&mut self, command: Command) -> Result<Output> {
        match self.see(Query::Run(command)).await? {
            Answer::Run(output) => Ok(output),
            other => Err(mismatched(&other)),
        }
    }

    /// Runs a command that alters the host.
    pub async fn run(&mut self, command: Command) -> Result<Applied> {
        self.apply(Change::Run(command)).await
    }

    /// Writes a file.
    pub async fn write(
        &mut self,
        path: impl Into<String>,
        content: impl Into<Vec<u8>>,
        attributes: Attributes,
    ) -> Result<Applied> {
        self.apply(Change::Write { path: path.into(), content: content.into(), attributes }).await
    }
}

fn mismatched(answer: &Answer) -> Failure {
    Failure::other(format!("an answer of another kind than its query: {answer:?}"))
}
