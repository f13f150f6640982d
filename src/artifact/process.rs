//! Child processes: in a group of their own, ended with us, their last lines kept as evidence.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

use engine::failure::{Failure, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

/// How many lines of a failed program's standard error are shown.
const EVIDENCE: usize = 20;

/// A program to run. It prints so that it pastes into a shell.
pub struct Program {
    command: Command,
    shown: Vec<String>,
    hint: String,
}

/// Ends the process group when the future that waits for it is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // TERM, so that compilers and mmdebstrap remove their temporary files.
            let _ = killpg(pid, Signal::SIGTERM);
        }
    }
}

impl Program {
    /// A program, and what to do when it is missing.
    pub fn new(name: &str, hint: impl Into<String>) -> Self {
        let mut command = Command::new(name);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        // Where mke2fs and chroot lie, which is not on every user's path.
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".into());
        command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
        Self { command, shown: vec![name.to_owned()], hint: hint.into() }
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        let text = argument.as_ref().to_string_lossy().into_owned();
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_=./,:@+".contains(c)) && !text.is_empty();
        self.shown.push(if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) });
        self.command.arg(argument);
        self
    }

    pub fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.shown.insert(0, format!("{name}={}", value.as_ref().to_string_lossy()));
        self.command.env(name, value);
        self
    }

    pub fn directory(mut self, path: &Path) -> Self {
        self.command.current_dir(path);
        self
    }

    /// Runs it, hands each line of its standard error on, and returns its standard output.
    pub async fn run(mut self, mut line: impl FnMut(&str)) -> Result<String> {
        let shown = self.shown.join(" ");
        let mut child = self.command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::refused(format!("`{}` is not installed", self.shown_name())).hint(self.hint)
            }
            _ => Failure::other(format!("cannot run {shown}")).because(&error),
        })?;
        let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));
        let wrong = |error: std::io::Error| Failure::other(format!("cannot talk to {shown}")).because(&error);
        let (Some(mut stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Failure::other(format!("cannot talk to {shown}")));
        };
        let mut output = String::new();
        let mut last = VecDeque::new();
        let read_output = stdout.read_to_string(&mut output);
        let read_lines = async {
            let mut lines = BufReader::new(stderr).lines();
            while let Some(text) = lines.next_line().await? {
                line(&text);
                last.push_back(text);
                if last.len() > EVIDENCE {
                    last.pop_front();
                }
            }
            Ok(())
        };
        tokio::try_join!(read_output, read_lines).map_err(wrong)?;
        let status = child.wait().await.map_err(wrong)?;
        group.0 = None;
        if status.success() {
            return Ok(output);
        }
        let failure = Failure::other(format!("a build failed ({status})")).cause(shown);
        Err(failure.evidence(Vec::from(last).join("\n")))
    }

    fn shown_name(&self) -> String {
        self.command.as_std().get_program().to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_is_returned_and_lines_are_handed_on() {
        let mut lines = Vec::new();
        let program = Program::new("sh", "").args(["-c", "echo out; echo one >&2; echo two >&2"]);
        assert_eq!(program.run(|line| lines.push(line.to_owned())).await.unwrap(), "out\n");
        assert_eq!(lines, ["one", "two"]);
    }

    #[tokio::test]
    async fn a_failure_shows_the_command_and_the_last_lines() {
        let failure = Program::new("sh", "").args(["-c", "echo broken >&2; exit 3"]).run(|_| ()).await.unwrap_err();
        assert_eq!(failure.causes, ["sh -c 'echo broken >&2; exit 3'"]);
        assert_eq!(failure.evidence.as_deref(), Some("broken"));
    }

    #[tokio::test]
    async fn a_missing_program_is_named_with_the_way_to_get_it() {
        let failure = Program::new("no-such-compiler", "apt-get install it").run(|_| ()).await.unwrap_err();
        assert_eq!(failure.what, "`no-such-compiler` is not installed");
        assert_eq!(failure.hints, ["apt-get install it"]);
    }

    #[tokio::test]
    async fn a_dropped_run_ends_the_whole_group() {
        let directory = tempfile::tempdir().unwrap();
        let script = format!("sleep 100 & echo $! > {0}/pid; mv {0}/pid {0}/child; wait", directory.path().display());
        let child = directory.path().join("child");
        let run = Program::new("sh", "").args(["-c", &script]).run(|_| ());
        let there = async {
            while !child.exists() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        tokio::select! { _ = run => panic!("it ended by itself"), () = there => {} }
        let pid = Pid::from_raw(std::fs::read_to_string(&child).unwrap().trim().parse().unwrap());
        // A zombie whose parent died too is reaped by init, sooner or later.
        for _ in 0..500 {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            if state.is_empty() || state.contains(") Z ") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the child still runs");
    }
}
