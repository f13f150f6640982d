//! The two verbs on a host: `see` alters nothing, `apply` is the only call that alters it.

use std::path::Path;

use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::channel::Task;
use super::recorded::Recorded;
use super::recorder::Recorder;
use super::{Answer, Applied, Attributes, Change, Command, Host, Output, Query, Stat, script};
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
    Recorded(Recorded),
}

/// A host as one task of a playbook sees it.
pub struct HostView<'a> {
    backend: Backend<'a>,
    mode: Mode,
    step: Option<&'a Step>,
    environment: Vec<(String, String)>,
    /// As whom commands run, if not as the channel's user.
    user: Option<String>,
    /// Answers that were read ahead; each is used once.
    ahead: Vec<(Query, Answer)>,
    changes: Vec<Change>,
    recorder: Option<Recorder>,
}

impl<'a> HostView<'a> {
    pub fn new(host: &'a Host, mode: Mode) -> Self {
        Self::over(Backend::Ssh(host), mode)
    }

    /// A view of recorded answers, which collects the changes.
    pub fn recorded(recorded: Recorded, mode: Mode) -> HostView<'static> {
        HostView::over(Backend::Recorded(recorded), mode)
    }

    fn over(backend: Backend<'a>, mode: Mode) -> Self {
        Self {
            backend,
            mode,
            step: None,
            environment: Vec::new(),
            user: None,
            ahead: Vec::new(),
            changes: Vec::new(),
            recorder: None,
        }
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

    /// Keeps every answer, to be written as a file for module cases.
    #[must_use]
    pub fn recording(mut self) -> Self {
        self.recorder = Some(Recorder::default());
        self
    }

    /// What was recorded, as YAML.
    pub fn into_recording(self) -> Option<Result<String>> {
        self.recorder.map(|recorder| recorder.to_yaml())
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// All changes that were applied or withheld, in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Answers a query, from what was read ahead or else from the host as it is now.
    pub async fn see(&mut self, query: Query) -> Result<Answer> {
        let query = match query {
            Query::Run(command) => Query::Run(self.prepared(command)),
            other => other,
        };
        if let Some(at) = self.ahead.iter().position(|(known, _)| *known == query) {
            return Ok(self.ahead.swap_remove(at).1);
        }
        let answer = match &mut self.backend {
            Backend::Ssh(host) => answer(host, &query).await?,
            Backend::Recorded(recorded) => recorded.answer(&query)?,
        };
        if let Some(recorder) = &mut self.recorder {
            recorder.saw(&query, &answer);
        }
        Ok(answer)
    }

    /// Asks several at once; the next `see` of each answers without a round trip, unless a change touches it.
    pub async fn see_ahead(&mut self, queries: Vec<Query>) -> Result<()> {
        if let Backend::Ssh(host) = &self.backend {
            let answers = futures::future::try_join_all(queries.iter().map(|query| answer(host, query))).await?;
            if let Some(recorder) = &mut self.recorder {
                queries.iter().zip(&answers).for_each(|(query, answer)| recorder.saw(query, answer));
            }
            self.ahead.extend(queries.into_iter().zip(answers));
        }
        Ok(())
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
        let altered = change.alters();
        self.ahead.retain(|(query, _)| !altered.overlaps(&query.reads()));
        let applied = match (&mut self.backend, self.mode) {
            (_, Mode::Check) => Applied::Withheld,
            (Backend::Ssh(host), Mode::Apply) => Applied::Done(alter(host, &change, self.step).await?),
            (Backend::Recorded(recorded), Mode::Apply) => Applied::Done(recorded.applied(&change)),
        };
        if let (Some(recorder), Applied::Done(output)) = (&mut self.recorder, &applied) {
            recorder.applied(&change, output);
        }
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

async fn answer(host: &Host, query: &Query) -> Result<Answer> {
    let (script, stdin, timeout) = match query {
        Query::Stat(path) => (script::stat(path), None, None),
        Query::Read(path) => (script::read(path), None, None),
        Query::Run(command) => (script::command(command), command.stdin.as_deref(), command.timeout),
    };
    let task = Task { script: script.as_bytes(), stdin: stdin.unwrap_or_default(), timeout, live: None };
    let output = host.execute(query, task).await?;
    match query {
        Query::Run(_) => Ok(Answer::Run(output)),
        Query::Stat(_) if output.code == script::ABSENT => Ok(Answer::Stat(None)),
        Query::Read(_) if output.code == script::ABSENT => Ok(Answer::Read(None)),
        Query::Read(_) if output.success() => Ok(Answer::Read(Some(output.stdout))),
        Query::Stat(_) if output.success() => {
            let stat = script::parse_stat(&output.stdout_text());
            stat.map(|stat| Answer::Stat(Some(stat))).ok_or_else(|| failed(host, query, &output))
        }
        _ => Err(failed(host, query, &output)),
    }
}

async fn alter(host: &Host, change: &Change, step: Option<&Step>) -> Result<Output> {
    let unique = format!("{:08x}", rand::random::<u32>());
    let mut stdin = None;
    let (script, mut timeout, mut live) = (
        match change {
            Change::Run(command) => script::command(command),
            Change::Directory { path, attributes } => script::directory(path, attributes),
            Change::Link { path, target } => script::link(path, target, &unique),
            Change::Attributes { path, attributes, recurse } => script::attributes(path, attributes, *recurse),
            Change::Remove { path } => script::remove(path),
            Change::Write { path, content, attributes } => {
                stdin = Some(content.as_slice());
                let sha256 = hexadecimal(&Sha256::digest(content));
                let content = script::Content { size: content.len() as u64, sha256: &sha256, unique: &unique };
                script::write(path, &content, attributes)
            }
            Change::Send { path, source, attributes } => {
                let (size, sha256) = digest(source).await?;
                let content = script::Content { size, sha256: &sha256, unique: &unique };
                let output = host.send(&script::write(path, &content, attributes), source, size, step).await?;
                return if output.success() { Ok(Output::default()) } else { Err(failed(host, change, &output)) };
            }
        },
        None,
        None,
    );
    if let Change::Run(command) = change {
        (stdin, timeout) = (command.stdin.as_deref(), command.timeout);
        live = step.filter(|_| command.live);
    }
    let task = Task { script: script.as_bytes(), stdin: stdin.unwrap_or_default(), timeout, live };
    let output = host.execute(change, task).await?;
    match change {
        Change::Run(_) => Ok(output),
        _ if output.success() => Ok(Output::default()),
        _ => Err(failed(host, change, &output)),
    }
}

fn failed(host: &Host, tried: &dyn std::fmt::Display, output: &Output) -> Failure {
    Failure::step(format!("{}: `{tried}` failed", host.name())).cause(script::complaint(output))
}

/// The length and sha256 of a file of the workstation.
pub async fn digest(source: &Path) -> Result<(u64, String)> {
    let read = async {
        let mut file = tokio::fs::File::open(source).await?;
        let mut hasher = Sha256::new();
        let mut size = 0;
        let mut piece = vec![0; 1 << 20];
        loop {
            match file.read(&mut piece).await? {
                0 => return Ok((size, hexadecimal(&hasher.finalize()))),
                length => {
                    size += length as u64;
                    hasher.update(&piece[..length]);
                }
            }
        }
    };
    read.await
        .map_err(|error: std::io::Error| Failure::other(format!("cannot read {}", source.display())).because(&error))
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
