//! A framed channel: one remote shell that runs one task after another.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::Output;
use super::connect_error::Reason;
use super::frame::{Decoder, Request};
use super::ssh::{Exec, Heard, Ssh};
use super::target::Become;
use crate::event::Step;

/// An emulated machine under load takes this long to start a shell.
const OPENING: Duration = Duration::from_secs(90);
/// The remote shell gives a task five seconds between TERM and KILL.
const ENDING: Duration = Duration::from_secs(30);
/// The remote loop, spoken by dash, bash and busybox.
const LOOP: &str = include_str!("remote.sh");

/// A remote shell between two tasks.
pub(super) struct Channel {
    started: Started,
    last: u64,
}

/// Something to run, with its limits.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) script: &'a [u8],
    pub(super) stdin: &'a [u8],
    pub(super) timeout: Option<Duration>,
    /// Gets each line of output as it comes.
    pub(super) live: Option<&'a Step>,
}

/// What kept a task from ending by itself. The channel cannot be used after `Lost`.
#[derive(Debug)]
pub(super) enum Broken {
    /// It was ended at its timeout; what it had said.
    TimedOut(Output),
    /// The connection or the remote shell is gone.
    Lost(String),
}

impl Channel {
    pub(super) async fn open(ssh: &Ssh, escalation: &Become) -> Result<Self, Reason> {
        let started = start(ssh, escalation, LOOP, "seedbed").await?;
        Ok(Self { started, last: 0 })
    }

    /// Runs one task. Dropped meanwhile, the channel closes and the remote shell ends the task's process group.
    pub(super) async fn run(&mut self, task: Task<'_>) -> Result<Output, Broken> {
        self.last += 1;
        let Task { script, stdin, live, .. } = task;
        let request = Request { id: self.last, script, stdin, live: live.is_some() }.encode();
        let Started { exec: Exec { ears, mouth }, decoder } = &mut self.started;
        let mut lines = Lines { step: live, rest: String::new() };
        let mut said = String::new();
        let saying = mouth.say(request);
        tokio::pin!(saying);
        let mut saying_done = false;
        let mut limit = task.timeout.map(|limit| Instant::now() + limit);
        let mut timed_out = false;
        loop {
            match decoder.reply() {
                Ok(Some(reply)) if reply.id == self.last => {
                    lines.flush();
                    return if timed_out { Err(Broken::TimedOut(reply.output)) } else { Ok(reply.output) };
                }
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(error) => return Err(Broken::Lost(error.to_string())),
            }
            tokio::select! {
                done = &mut saying, if !saying_done => {
                    if !done {
                        return Err(Broken::Lost("the connection is closed".into()));
                    }
                    saying_done = true;
                }
                heard = ears.hear() => match heard {
                    Some(Heard::Out(bytes)) => decoder.push(&bytes),
                    Some(Heard::Err(bytes)) if live.is_some() => lines.push(&bytes),
                    Some(Heard::Err(bytes)) => said.push_str(&String::from_utf8_lossy(&bytes)),
                    Some(Heard::End(code)) => return Err(Broken::Lost(format!("the remote shell ended with {code}"))),
                    None if said.is_empty() => return Err(Broken::Lost("the connection is closed".into())),
                    None => return Err(Broken::Lost(said)),
                },
                () = sleep_until(limit.unwrap_or_else(Instant::now)), if limit.is_some() => {
                    if timed_out || !saying_done {
                        return Err(Broken::Lost("the task could not be ended at its timeout".into()));
                    }
                    timed_out = true;
                    limit = Some(Instant::now() + ENDING);
                    // Any line between two requests ends the task.
                    mouth.say("\n").await;
                }
            }
        }
    }
}

/// A remote function that has begun.
pub(super) struct Started {
    pub(super) exec: Exec,
    pub(super) decoder: Decoder,
}

/// Starts `sh`, as root if asked, gives it a function and calls it; returns once it printed the nonce.
///
/// The login shell sees only words that mean the same to dash, fish and csh; all else goes to `sh` as input.
pub(super) async fn start(ssh: &Ssh, escalation: &Become, script: &str, call: &str) -> Result<Started, Reason> {
    let nonce = format!("{:032x}", rand::random::<u128>());
    let starting = timeout(OPENING, async {
        let (command, password) = match escalation {
            Become::None => ("exec sh".to_owned(), None),
            Become::Sudo { password: None } => ("exec sudo -n -- sh".to_owned(), None),
            Become::Sudo { password: Some(password) } => {
                // The shell says that it runs before it gets the script, or sudo would take that for the password.
                let command = format!("exec sudo -S -p ask{nonce} -- sh -c 'echo go{nonce}; exec sh'");
                (command, Some(password))
            }
        };
        let mut started = Started { exec: ssh.exec(&command).await?, decoder: Decoder::default() };
        if let Some(password) = password {
            give_password(&mut started, &nonce, password).await?;
        }
        let script = format!("nonce={nonce}\n{script}\n{call}; exit\n");
        started.exec.mouth.say(script).await;
        let mut said = String::new();
        until_said(&mut started, &nonce, &mut said).await?;
        Ok(started)
    });
    starting.await.unwrap_or_else(|_| Err(Reason::Shell(format!("sh did not start within {} s", OPENING.as_secs()))))
}

async fn give_password(started: &mut Started, nonce: &str, password: &str) -> Result<(), Reason> {
    let mut given = false;
    let mut said = String::new();
    loop {
        match started.exec.ears.hear().await {
            Some(Heard::Out(bytes)) => {
                started.decoder.push(&bytes);
                if started.decoder.discard_until(&format!("go{nonce}")) {
                    return Ok(());
                }
            }
            Some(Heard::Err(bytes)) => {
                said.push_str(&String::from_utf8_lossy(&bytes));
                if let Some(at) = said.find(&format!("ask{nonce}")) {
                    if given {
                        return Err(Reason::Shell("sudo did not accept the password".into()));
                    }
                    given = true;
                    said.truncate(at);
                    started.exec.mouth.say(format!("{password}\n")).await;
                }
            }
            Some(Heard::End(code)) => {
                let _ = write!(said, " (sudo ended with {code})");
            }
            None => return Err(Reason::Shell(said.trim().to_owned())),
        }
    }
}

async fn until_said(started: &mut Started, nonce: &str, said: &mut String) -> Result<(), Reason> {
    while !started.decoder.discard_until(nonce) {
        match started.exec.ears.hear().await {
            Some(Heard::Out(bytes)) => started.decoder.push(&bytes),
            Some(Heard::Err(bytes)) => said.push_str(&String::from_utf8_lossy(&bytes)),
            Some(Heard::End(code)) => {
                let _ = write!(said, " (sh ended with {code})");
            }
            None => {
                let all = format!("{} {}", started.decoder.rest(), said.trim());
                return Err(Reason::Shell(all.trim().to_owned()));
            }
        }
    }
    Ok(())
}

/// Cuts live output into lines.
struct Lines<'a> {
    step: Option<&'a Step>,
    rest: String,
}

impl Lines<'_> {
    fn push(&mut self, bytes: &[u8]) {
        self.rest.push_str(&String::from_utf8_lossy(bytes));
        while let Some(end) = self.rest.find('\n') {
            let line: String = self.rest.drain(..=end).collect();
            self.emit(line.trim_end());
        }
    }

    fn flush(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        self.emit(rest.trim_end());
    }

    fn emit(&self, line: &str) {
        if let (Some(step), false) = (self.step, line.is_empty()) {
            step.output(line);
        }
    }
}
