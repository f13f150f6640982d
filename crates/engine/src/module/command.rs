//! `command`: runs a program without a shell.

use std::time::{Duration, Instant};

use super::Outcome;
use super::access;
use super::arg::{Flag, OneOrMany, RemotePath, arguments};
use crate::failure::{Failure, Result};
use crate::host::{Applied, Command, HostView, Output};

arguments! {
    /// Arguments of `command`.
    Args {
        /// The program and its arguments, split as a shell would split them.
        cmd ("_raw_params", "free_form"): Option<String>,
        /// The program and its arguments, one by one.
        argv: Option<OneOrMany<String>>,
        /// A path; if it exists, nothing is run.
        creates: Option<RemotePath>,
        /// A path; if it does not exist, nothing is run.
        removes: Option<RemotePath>,
        /// The working directory.
        chdir: Option<RemotePath>,
        /// Text for the standard input.
        stdin: Option<String>,
        /// Whether a line break follows that text.
        stdin_add_newline: Flag = Flag(true),
        /// Whether empty lines at the output's end are left out.
        strip_empty_ends: Flag = Flag(true),
        /// Accepted; variables are never expanded here.
        expand_argument_vars: Flag = Flag(false),
    }
}

/// What `command` and `shell` share.
pub struct Guarded<'a> {
    pub creates: Option<&'a RemotePath>,
    pub removes: Option<&'a RemotePath>,
    pub chdir: Option<&'a RemotePath>,
    pub stdin: Option<&'a String>,
    pub newline: bool,
    pub strip: bool,
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let words = match (&args.argv, &args.cmd) {
        (Some(words), _) => words.0.clone(),
        (None, Some(line)) => split(line)?,
        (None, None) => Vec::new(),
    };
    if words.is_empty() {
        return Err(Failure::step("there is no command to run").hint("give `cmd` or `argv`"));
    }
    let guarded = Guarded {
        creates: args.creates.as_ref(),
        removes: args.removes.as_ref(),
        chdir: args.chdir.as_ref(),
        stdin: args.stdin.as_ref(),
        newline: args.stdin_add_newline.0,
        strip: args.strip_empty_ends.0,
    };
    guarded.run(Command::argv(words), host).await
}

impl Guarded<'_> {
    /// Runs a command unless a path says that it was done.
    pub async fn run(&self, mut command: Command, host: &mut HostView<'_>) -> Result<Outcome> {
        for (path, ends_if_there) in [(self.creates, true), (self.removes, false)] {
            let Some(path) = path else { continue };
            if exists(host, path).await? == ends_if_there {
                let why = if ends_if_there { "exists" } else { "does not exist" };
                return Ok(result(&command, &Output::default(), self.strip)
                    .with("skipped_because", format!("{} {why}", path.0))
                    .with("stdout", format!("skipped, since {} {why}", path.0)));
            }
        }
        if let Some(directory) = self.chdir {
            command.directory = Some(access::absolute(host, directory).await?);
        }
        if let Some(text) = self.stdin {
            let end = if self.newline { "\n" } else { "" };
            command = command.stdin(format!("{text}{end}"));
        }
        let begun = Instant::now();
        match host.run(command.clone()).await? {
            Applied::Withheld => {
                // As in Ansible: what a command would say is not known.
                Ok(Outcome { skipped: Some("a command is not run in check mode".to_owned()), ..Outcome::unchanged() })
            }
            Applied::Done(output) => {
                let mut outcome = result(&command, &output, self.strip).with("delta", seconds(begun.elapsed()));
                outcome.changed = true;
                outcome.failed = (!output.success()).then(|| format!("it ended with {}", output.code));
                Ok(outcome)
            }
        }
    }
}

/// What `register` keeps of a command.
fn result(command: &Command, output: &Output, strip: bool) -> Outcome {
    let clean = |text: String| if strip { text.trim_end_matches(['\n', '\r']).to_owned() } else { text };
    let (stdout, stderr) = (clean(output.stdout_text()), clean(output.stderr_text()));
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    Outcome::unchanged()
        .with("cmd", command.to_string())
        .with("rc", output.code)
        .with("stdout_lines", lines(&stdout))
        .with("stderr_lines", lines(&stderr))
        .with("stdout", stdout)
        .with("stderr", stderr)
}

/// Whether a path or a pattern matches anything.
async fn exists(host: &mut HostView<'_>, path: &RemotePath) -> Result<bool> {
    if path.contains(['*', '?', '[']) {
        let script = format!("for p in {}; do [ -e \"$p\" ] && exit 0; done; exit 1", path.0);
        return Ok(host.run_query(Command::shell(script)).await?.success());
    }
    let path = access::absolute(host, path).await?;
    Ok(host.stat(path).await?.is_some())
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// Splits a line as a POSIX shell does, without expanding anything.
fn split(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.trim().chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        Some(end) if end == c => break,
                        Some('\\') if c == '"' => match rest.next() {
                            Some(escaped @ ('"' | '\\' | '$' | '`')) => word.push(escaped),
                            Some(other) => word.extend(['\\', other]),
                            None => word.push('\\'),
                        },
                        Some(other) => word.push(other),
                        None => return Err(Failure::step(format!("a quote is not closed in `{line}`"))),
                    }
                }
            }
            '\\' => match rest.next() {
                Some('\n') | None => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_like_a_shell_does() {
        let words = split(r#"sh -c 'a "b"' "c \"d\" \n" e\ f ''"#).unwrap();
        assert_eq!(words, ["sh", "-c", "a \"b\"", "c \"d\" \\n", "e f", ""]);
        assert!(split("echo 'x").is_err());
    }
}
