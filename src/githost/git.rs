//! Runs the `git` program.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use engine::failure::{Failure, Result};
use engine::host::Output;
use tokio::process::Command;

/// What no local operation takes; what goes over the network is bounded by its [`super::Access`].
const LOCAL: Duration = Duration::from_secs(120);

/// Variables that would point `git` at another repository, or make it talk in another language.
const CLEARED: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_SSH",
    "GIT_CONFIG_COUNT",
    "GIT_EXTERNAL_DIFF",
];

/// Settings that make a commit depend on the content alone, not on who runs it.
const SETTINGS: [&str; 6] = [
    "core.autocrlf=false",
    "core.safecrlf=false",
    "commit.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
];

/// The `git` program, run in one directory with one environment.
#[derive(Clone, Debug)]
pub struct Git {
    directory: PathBuf,
    environment: Vec<(OsString, OsString)>,
    timeout: Duration,
}

impl Git {
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), environment: Vec::new(), timeout: LOCAL }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    #[must_use]
    pub fn environment(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it and answers whatever it answered.
    pub async fn output(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new("git");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        for name in CLEARED {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(&self.directory)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        let shown = shown(arguments);
        let ran = tokio::time::timeout(self.timeout, command.output()).await.map_err(|_| {
            Failure::other(format!("{shown} did not end within {} s", self.timeout.as_secs()))
                .hint(format!("Run it by hand in {} to see where it hangs.", self.directory.display()))
        })?;
        let output = ran.map_err(|error| {
            Failure::refused(format!("{shown} cannot be run")).because(&error).hint("Install git: apt install git.")
        })?;
        let code = output.status.code().unwrap_or(-1);
        Ok(Output { code, stdout: output.stdout, stderr: output.stderr })
    }

    /// Runs it and answers its trimmed output; anything but exit code 0 is a failure.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.output(arguments).await?;
        if output.success() {
            return Ok(output.stdout_text().trim().to_owned());
        }
        let place = self.directory.display();
        Err(Failure::other(format!("{} failed in {place} with exit code {}", shown(arguments), output.code))
            .cause(last_line(&output.stderr_text()))
            .evidence(output.stderr_text()))
    }

    /// Runs a question that answers by exit code: 0 is yes, 1 is no.
    pub async fn asks(&self, arguments: &[&str]) -> Result<bool> {
        let output = self.output(arguments).await?;
        match output.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(Failure::other(format!("{} failed in {}", shown(arguments), self.directory.display()))
                .evidence(output.stderr_text())),
        }
    }

    /// The commit that a revision names, if there is one.
    pub async fn commit(&self, revision: &str) -> Result<Option<String>> {
        let wanted = format!("{revision}^{{commit}}");
        let output = self.output(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]).await?;
        Ok(output.success().then(|| output.stdout_text().trim().to_owned()))
    }

    /// The tree of a commit.
    pub async fn tree(&self, commit: &str) -> Result<String> {
        self.run(&["rev-parse", "--verify", "--end-of-options", &format!("{commit}^{{tree}}")]).await
    }

    /// Whether one commit contains another.
    pub async fn contains(&self, commit: &str, ancestor: &str) -> Result<bool> {
        self.asks(&["merge-base", "--is-ancestor", ancestor, commit]).await
    }
}

fn shown(arguments: &[&str]) -> String {
    let words = arguments.iter().map(|word| engine::host::quote(word)).collect::<Vec<_>>();
    format!("git {}", words.join(" "))
}

/// The last line that says something, which is where `git` and `ssh` put the cause.
pub(super) fn last_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut told = lines.filter(|line| {
        !line.starts_with("Please make sure")
            && !line.starts_with("and the repository exists")
            && !line.starts_with("hint:")
            // The line before it says why.
            && !line.starts_with("error: failed to push some refs to")
    });
    told.next_back().unwrap_or("it said nothing").to_owned()
}
