//! A command as data, until it runs.

use std::fmt;
use std::time::Duration;

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A program and its arguments, without a shell.
    Argv(Vec<String>),
    /// A script for `sh -c`, or for another shell.
    Shell { script: String, executable: Option<String> },
}

/// A command to run on a host. Prints so that it pastes into a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub program: Program,
    /// The working directory.
    pub directory: Option<String>,
    pub environment: Vec<(String, String)>,
    /// Bytes for its standard input; `/dev/null` if none.
    pub stdin: Option<Vec<u8>>,
    /// Its process group is killed after this.
    pub timeout: Option<Duration>,
    /// Its output is shown as it comes, where the view has a step to show it in.
    pub live: bool,
}

impl Command {
    pub fn argv<I, S>(argv: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Self::new(Program::Argv(argv.into_iter().map(Into::into).collect()))
    }

    pub fn shell(script: impl Into<String>) -> Self {
        Self::new(Program::Shell { script: script.into(), executable: None })
    }

    fn new(program: Program) -> Self {
        Self { program, directory: None, environment: Vec::new(), stdin: None, timeout: None, live: false }
    }

    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Shows its output as it comes; for commands that take long.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }
}

impl Command {
    /// The same as another user, which root may say. `su` is on every host, and keeps the environment but for a few.
    #[must_use]
    pub fn as_user(mut self, user: &str) -> Self {
        let script = match self.program {
            Program::Argv(argv) => {
                let words: Vec<String> = argv.iter().map(|word| quote(word)).collect();
                format!("exec {}", words.join(" "))
            }
            Program::Shell { script, executable: None } => script,
            Program::Shell { script, executable: Some(shell) } => {
                format!("exec {} -c {}", quote(&shell), quote(&script))
            }
        };
        self.program = Program::Argv(["su", "-s", "/bin/sh", "-c", &script, "--", user].map(str::to_owned).into());
        self
    }
}

/// Quotes a word for a POSIX shell, only where it needs it.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(directory) = &self.directory {
            write!(f, "cd {} && ", quote(directory))?;
        }
        for (name, value) in &self.environment {
            write!(f, "{name}={} ", quote(value))?;
        }
        match &self.program {
            Program::Argv(argv) => {
                let words: Vec<String> = argv.iter().map(|word| quote(word)).collect();
                f.write_str(&words.join(" "))
            }
            Program::Shell { script, executable } => {
                write!(f, "{} -c {}", executable.as_deref().unwrap_or("sh"), quote(script))
            }
        }
    }
}

/// What a command answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The exit code; 128 and the signal's number where a signal ended it.
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Output {
    pub fn success(&self) -> bool {
        self.code == 0
    }

    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}
