//! Queries and changes performed on a real host: a script, a task, and what its output means.

use std::io::{self, Write as _};
use std::path::Path;

use tokio::io::AsyncReadExt;

use super::channel::Task;
use super::{Answer, Change, Host, Output, Query, script};
use crate::digest::{self, Hashing};
use crate::event::Step;
use crate::failure::{Failure, Result};

/// Asks the host.
pub(super) async fn answer(host: &Host, query: &Query) -> Result<Answer> {
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

/// Alters the host; only a command may end with another code than 0.
pub(super) async fn alter(host: &Host, change: &Change, step: Option<&Step>) -> Result<Output> {
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
                let sha256 = digest::of_bytes(content);
                let content = script::Content { size: content.len() as u64, sha256: &sha256, unique: &unique };
                script::write(path, &content, attributes)
            }
            Change::Send { path, source, attributes } => {
                let (sha256, size) = of_file(source).await?;
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

/// The sha256 and length of a file of the workstation; reading it blocks nothing.
pub async fn of_file(source: &Path) -> Result<(String, u64)> {
    let read = async {
        let mut file = tokio::fs::File::open(source).await?;
        let mut hashing = Hashing::new(io::sink());
        let mut piece = vec![0; 1 << 20];
        loop {
            match file.read(&mut piece).await? {
                0 => break,
                length => hashing.write_all(&piece[..length])?,
            }
        }
        let (sha256, size, _) = hashing.finish();
        Ok((sha256, size))
    };
    read.await.map_err(|error: io::Error| Failure::other(format!("cannot read {}", source.display())).because(&error))
}
