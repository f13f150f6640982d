//! `authorized_key`: who may log in as a user, sshd(8).

use super::arg::{Flag, RemotePath, arguments, choice};
use super::{Outcome, access};
use crate::failure::{Failure, Result};
use crate::host::{Attributes, Change, Command, HostView};

choice! {
    /// Whether the keys are there.
    State {
        /// They are.
        Present = "present",
        /// They are not.
        Absent = "absent",
    }
}

arguments! {
    /// Arguments of `authorized_key`.
    Args {
        /// Whose file it is.
        user: String,
        /// Public keys, one a line.
        key: String,
        /// What the keys may do, such as `restrict,command="..."`.
        key_options: Option<String>,
        /// The comment, instead of the key's own.
        comment: Option<String>,
        /// Whether the keys are there.
        state: State = State::Present,
        /// Whether all other keys go.
        exclusive: Flag = Flag(false),
        /// Whether the directory is made and kept private.
        manage_dir: Flag = Flag(true),
        /// The file, if it is not `~/.ssh/authorized_keys`.
        path: Option<RemotePath>,
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let entry = host.run_query(Command::argv(["getent", "passwd", &args.user])).await?.stdout_text();
    let fields: Vec<&str> = entry.trim_end().split(':').collect();
    let [_, _, _, group, _, home, _] = fields[..] else {
        return Err(Failure::step(format!("there is no user `{}`", args.user)));
    };
    let (directory, file) = match &args.path {
        Some(path) => (path.rsplit_once('/').map_or("/", |(directory, _)| directory).to_owned(), path.0.clone()),
        None => (format!("{home}/.ssh"), format!("{home}/.ssh/authorized_keys")),
    };
    let mut keys = Vec::new();
    for line in args.key.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let key = blob(line).ok_or_else(|| {
            Failure::step(format!("`{line}` is no public key")).hint("it begins with its type, such as ssh-ed25519")
        })?;
        keys.push((key.to_owned(), written(args, line)));
    }
    let before = access::text(host, &file).await?;
    let after = edited(args, &before, &keys);
    if after == before {
        return Ok(Outcome::unchanged().with("keyfile", file));
    }
    let attributes =
        |mode| Attributes { owner: Some(args.user.clone()), group: Some(group.to_owned()), mode: Some(mode) };
    if args.manage_dir.0 && args.path.is_none() && host.stat(directory.as_str()).await?.is_none() {
        host.apply(Change::Directory { path: directory, attributes: attributes(0o700) }).await?;
    }
    host.write(file.as_str(), after, attributes(0o600)).await?;
    Ok(Outcome::changed(true).with("keyfile", file))
}

/// The key itself within a line: the word after its type.
fn blob(line: &str) -> Option<&str> {
    let types = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"];
    let mut words = line.split_whitespace();
    words.find(|word| types.iter().any(|start| word.starts_with(start)))?;
    words.next()
}

/// The line of a key, with the options and comment that the task gives.
fn written(args: &Args, line: &str) -> String {
    let mut line = line.to_owned();
    if let (Some(comment), Some(key)) = (&args.comment, blob(&line)) {
        let end = line.find(key).map_or(line.len(), |at| at + key.len());
        line = format!("{} {comment}", &line[..end]);
    }
    match &args.key_options {
        Some(options) => format!("{options} {line}"),
        None => line,
    }
}

fn edited(args: &Args, before: &str, keys: &[(String, String)]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut missing: Vec<&(String, String)> = keys.iter().collect();
    for line in before.lines() {
        let ours = blob(line).and_then(|blob| keys.iter().find(|(key, _)| key == blob));
        match (args.state, ours) {
            (State::Present, Some(key)) => {
                if missing.contains(&key) {
                    lines.push(key.1.clone());
                    missing.retain(|other| *other != key);
                }
            }
            (State::Absent, Some(_)) => {}
            (_, None) if args.exclusive.0 && args.state == State::Present && blob(line).is_some() => {}
            (_, None) => lines.push(line.to_owned()),
        }
    }
    if args.state == State::Present {
        lines.extend(missing.into_iter().map(|(_, line)| line.clone()));
    }
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}
