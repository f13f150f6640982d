//! A connected host: waits for it, keeps its channels, runs tasks in them.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::channel::{Broken, Channel, Task};
use super::connect_error::{ConnectError, Reason};
use super::ssh::Ssh;
use super::target::{Become, Target};
use super::{HostView, Mode, Output, send};
use crate::event::Step;
use crate::failure::{Failure, Result};

/// sshd allows 10 sessions on a connection by default; two are left to those that are just closing.
const CHANNELS: usize = 8;
/// The longest that one probe may take; an emulated machine's handshake is slow.
const PROBE: Duration = Duration::from_secs(45);
/// The pauses between two probes: OpenSSH 9.8 and later penalises sources that connect often.
const FASTEST: Duration = Duration::from_secs(1);
const SLOWEST: Duration = Duration::from_secs(5);

/// A host that is logged in to. Shared by reference: any number of futures may use it at once.
pub struct Host {
    name: String,
    address: String,
    ssh: Ssh,
    escalation: Become,
    idle: Mutex<Vec<Channel>>,
    permits: Semaphore,
}

impl Host {
    /// Waits until the host answers with the known key and gives a shell.
    pub async fn connect(target: &Target, step: &Step) -> Result<Self, ConnectError> {
        if let Become::Sudo { password: Some(password) } = &target.escalation {
            step.events().secrets().register(password);
        }
        let begin = Instant::now();
        let end = begin + target.deadline;
        let mut pause = FASTEST;
        let mut shown = None;
        loop {
            let probe = PROBE.min(end.saturating_duration_since(Instant::now()));
            let reason = match timeout(probe, Self::probe(target)).await {
                Ok(Ok(host)) => return Ok(host),
                Ok(Err(reason)) => reason,
                Err(_) => Reason::NoAnswer(format!("nothing within {} s", probe.as_secs())),
            };
            if !reason.may_pass(target.fresh) || Instant::now() + pause >= end {
                // What an earlier probe was told says more than that the last one was cut short.
                let reason = match (reason, shown) {
                    (Reason::NoAnswer(_), Some(earlier)) if probe < PROBE => earlier,
                    (reason, _) => reason,
                };
                return Err(ConnectError {
                    host: target.name.clone(),
                    to: format!("{}@{}:{}", target.user, target.address, target.port),
                    reason,
                    waited: begin.elapsed(),
                });
            }
            if shown.as_ref() != Some(&reason) {
                step.waiting(format!("SSH to {} at {}: {reason}", target.name, target.address));
                shown = Some(reason);
            }
            sleep(pause).await;
            pause = (pause + pause / 2).min(SLOWEST);
        }
    }

    async fn probe(target: &Target) -> Result<Self, Reason> {
        let ssh = Ssh::connect(target).await?;
        let channel = Channel::open(&ssh, &target.escalation).await?;
        Ok(Self {
            name: target.name.clone(),
            address: target.address.clone(),
            ssh,
            escalation: target.escalation.clone(),
            idle: Mutex::new(vec![channel]),
            permits: Semaphore::new(CHANNELS),
        })
    }

    /// The name that people know it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether commands run as root through `sudo`, and not as the user who logged in.
    pub fn is_escalated(&self) -> bool {
        matches!(self.escalation, Become::Sudo { .. })
    }

    /// The name or address that was connected to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Looks at the host, and alters it or in check mode only says what it would alter.
    pub fn view(&self, mode: Mode) -> HostView<'_> {
        HostView::new(self, mode)
    }

    /// Runs a task; `shown` names it in failures.
    pub(super) async fn execute(&self, shown: &dyn std::fmt::Display, task: Task<'_>) -> Result<Output> {
        let _permit = self.permits.acquire().await.map_err(|error| self.lost(shown, &error))?;
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let mut channel = match idle {
            Some(channel) => channel,
            None => Channel::open(&self.ssh, &self.escalation).await.map_err(|reason| self.lost(shown, &reason))?,
        };
        let ended = channel.run(task).await;
        if let (Ok(mut idle), true) = (self.idle.lock(), !matches!(ended, Err(Broken::Lost(_)))) {
            idle.push(channel);
        }
        match ended {
            Ok(output) => Ok(output),
            Err(Broken::Lost(reason)) => Err(self.lost(shown, &reason)),
            Err(Broken::TimedOut(output)) => {
                let limit = task.timeout.unwrap_or_default().as_secs_f32();
                let said = format!("{}{}", output.stdout_text(), output.stderr_text());
                let failure = Failure::step(format!("{}: not done after {limit} s, ended: `{shown}`", self.name));
                Err(if said.trim().is_empty() { failure } else { failure.evidence(said) })
            }
        }
    }

    /// Streams a file of the workstation to the host.
    pub(super) async fn send(&self, script: &str, source: &Path, size: u64, step: Option<&Step>) -> Result<Output> {
        let shown = format!("send {}", source.display());
        let _permit = self.permits.acquire().await.map_err(|error| self.lost(&shown, &error))?;
        // Its own session: an idle channel gives up its place.
        drop(self.idle.lock().ok().and_then(|mut idle| idle.pop()));
        send::send(&self.ssh, &self.escalation, script, source, size, step)
            .await
            .map_err(|failure| Failure { what: format!("{}: {}", self.name, failure.what), ..failure })
    }

    fn lost(&self, shown: &dyn std::fmt::Display, reason: &dyn std::fmt::Display) -> Failure {
        Failure::step(format!("the connection to {} was lost at `{shown}`", self.name))
            .cause(reason)
            .hint("See whether the machine still runs; then run the same command again: it continues.")
    }
}
