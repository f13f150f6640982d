//! `wait_for`: waits for a port, a file or a text in it, seen from the host.

use std::time::Duration;

use tokio::time::Instant;

use super::arg::{RemotePath, arguments, choice};
use super::{Outcome, access};
use crate::failure::{Failure, Result};
use crate::host::{Command, HostView};

choice! {
    /// What is waited for.
    State {
        /// The port answers, the file is there.
        Started = "started" | "present",
        /// The port does not answer, the file is not there.
        Stopped = "stopped" | "absent" | "drained",
    }
}

arguments! {
    /// Arguments of `wait_for`.
    Args {
        /// Where the port is.
        host: String = "127.0.0.1".to_owned(),
        /// The port.
        port: Option<u16>,
        /// The file.
        path: Option<RemotePath>,
        /// A regular expression that the file's text must match.
        search_regex: Option<String>,
        /// What is waited for.
        state: State = State::Started,
        /// Seconds until it fails.
        timeout: u64 = 300,
        /// Seconds before the first look.
        delay: u64 = 0,
        /// Seconds between two looks.
        sleep: u64 = 1,
        /// Seconds until one connection is given up.
        connect_timeout: u64 = 5,
        /// What is said when it fails.
        msg: Option<String>,
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_secs(args.delay)).await;
    if args.port.is_none() && args.path.is_none() {
        if args.delay == 0 {
            tokio::time::sleep(Duration::from_secs(args.timeout)).await;
        }
        return Ok(Outcome::unchanged());
    }
    loop {
        let missing = look(args, host).await?;
        let elapsed = begun.elapsed().as_secs();
        let Some(missing) = missing else { return Ok(Outcome::unchanged().with("elapsed", elapsed)) };
        if elapsed >= args.timeout {
            let what = args.msg.clone().unwrap_or(missing);
            return Err(Failure::step(format!("{what}, after {} s", args.timeout)));
        }
        tokio::time::sleep(Duration::from_secs(args.sleep.max(1))).await;
    }
}

/// What is not yet as it is to be.
async fn look(args: &Args, host: &mut HostView<'_>) -> Result<Option<String>> {
    let wanted = args.state == State::Started;
    if let Some(path) = &args.path {
        let path = access::absolute(host, path).await?;
        return Ok(match (&args.search_regex, wanted) {
            (None, _) | (_, false) => {
                let there = host.stat(path.as_str()).await?.is_some();
                (there != wanted).then(|| format!("{path} {}", if wanted { "is not there" } else { "is still there" }))
            }
            (Some(pattern), true) => {
                let pattern = super::edit::pattern(&format!("(?m){pattern}"))?;
                let found = pattern.is_match(&access::text(host, &path).await?);
                (!found).then(|| format!("{path} holds nothing that matches {pattern}"))
            }
        });
    }
    let Some(port) = args.port else { return Ok(None) };
    let answers = host.run_query(connection(args, port)).await?.success();
    let what = if wanted { "does not answer" } else { "still answers" };
    Ok((answers != wanted).then(|| format!("{}:{port} {what}", args.host)))
}

/// A command that succeeds if the port takes a connection, by what the host has.
fn connection(args: &Args, port: u16) -> Command {
    let host = crate::host::quote(&args.host);
    let seconds = args.connect_timeout;
    Command::shell(format!(
        "h={host} p={port}\n\
         if command -v bash >/dev/null; then exec timeout {seconds} bash -c 'exec 3<>\"/dev/tcp/$0/$1\"' \"$h\" \"$p\"\n\
         elif command -v nc >/dev/null; then exec nc -z -w {seconds} \"$h\" \"$p\"\n\
         else exec curl -s -o /dev/null --connect-timeout {seconds} \"telnet://$h:$p\" </dev/null; fi"
    ))
}
