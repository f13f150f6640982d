//! What most modules do with a host.

use crate::failure::{Failure, Result};
use crate::host::{Applied, Command, HostView, Output, Stat};

/// Runs a command that alters the host and must succeed.
pub async fn must(host: &mut HostView<'_>, command: Command) -> Result<Applied> {
    let shown = command.to_string();
    let applied = host.run(command).await?;
    match &applied {
        Applied::Done(output) if !output.success() => Err(ended(&shown, output)),
        _ => Ok(applied),
    }
}

/// Runs a command that alters nothing and must succeed.
pub async fn ask(host: &mut HostView<'_>, command: Command) -> Result<Output> {
    let shown = command.to_string();
    let output = host.run_query(command).await?;
    if output.success() { Ok(output) } else { Err(ended(&shown, &output)) }
}

/// A file's text; empty if there is none.
pub async fn text(host: &mut HostView<'_>, path: &str) -> Result<String> {
    let bytes = host.read(path).await?.unwrap_or_default();
    String::from_utf8(bytes).map_err(|_| Failure::step(format!("{path} is no UTF-8 text")))
}

/// A path with `~` and `~user` replaced by the home directory.
pub async fn absolute(host: &mut HostView<'_>, path: &str) -> Result<String> {
    if !path.starts_with('~') {
        return Ok(path.to_owned());
    }
    let (user, rest) = path[1..].split_once('/').map_or((&path[1..], ""), |(user, rest)| (user, rest));
    if !user.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
        return Err(Failure::step(format!("`{path}` begins with no user's home directory")));
    }
    let home = ask(host, Command::shell(format!("printf %s ~{user}"))).await?.stdout_text();
    if !home.starts_with('/') {
        return Err(Failure::step(format!("`{path}`: there is no user `{user}`")));
    }
    Ok(format!("{}/{rest}", home.trim_end_matches('/')).trim_end_matches('/').to_owned())
}

/// A file's attributes, following links.
pub async fn followed(host: &mut HostView<'_>, path: &str) -> Result<Option<Stat>> {
    let found = host.stat(path).await?;
    if found.as_ref().is_none_or(|stat| stat.target.is_none()) {
        return Ok(found);
    }
    let end = host.run_query(Command::argv(["readlink", "-f", path])).await?;
    match end.stdout_text().trim_end_matches('\n') {
        "" => Ok(None),
        end => host.stat(end).await,
    }
}

/// A command that did not end well.
pub fn ended(command: &str, output: &Output) -> Failure {
    let failure = Failure::step(format!("`{command}` ended with {}", output.code));
    let text = if output.stderr.is_empty() { output.stdout_text() } else { output.stderr_text() };
    match text.trim().lines().last() {
        Some(last) => failure.cause(last.to_owned()).evidence(text.trim_end().to_owned()),
        None => failure,
    }
}
