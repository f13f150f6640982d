//! Why a machine does not answer: its state, its lease, and what its console said last.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::failure::{Failure, Result};
use libvirt_protocol::{Action, Answer, DomainState, Lease};

use super::owner;
use super::provider::{Provider, confused};
use crate::plan::{MachinePlan, NodePlan, Plan};

/// How much of a console is shown.
const LINES: usize = 30;
const BYTES: u64 = 16 * 1024;

/// The name of a console's log in the cluster's pool.
pub fn console_name(domain: &str) -> String {
    format!("{domain}.console.log")
}

/// A state in words that follow "is".
pub fn word(state: DomainState) -> &'static str {
    match state {
        DomainState::Running => "running",
        DomainState::Paused => "paused",
        DomainState::ShuttingDown => "shutting down",
        DomainState::Off => "off",
        DomainState::Crashed => "crashed",
        DomainState::Unknown => "in a state that libvirt does not name",
    }
}

impl Provider {
    /// Adds to a failure what libvirt knows about a machine. Never fails itself.
    pub async fn diagnose(&self, plan: &Plan, node: &NodePlan, failure: Failure) -> Failure {
        let MachinePlan::Libvirt { domain, mac, .. } = &node.machine else { return failure };
        let domains = self.domains().await.unwrap_or_default();
        let state = match domains.iter().find(|found| found.name == *domain) {
            Some(found) => word(found.state),
            None => "not there",
        };
        let mut failure = failure.cause(format!("the machine {domain} is {state}"));
        if let Some(name) = plan.network.as_ref().and_then(|network| network.name.as_ref()) {
            let leases = self.leases(name).await;
            let lease = leases.iter().find(|lease| lease.mac.eq_ignore_ascii_case(mac));
            failure = failure.cause(match lease {
                Some(lease) => format!("it has asked for its address and got {}", lease.address),
                None => format!("it has not asked for its address in the network {name}"),
            });
        }
        match self.console(plan, domain).await {
            Some(tail) if !tail.is_empty() => failure.evidence(tail),
            Some(_) => failure.cause("its console has said nothing"),
            None => failure,
        }
        .hint(format!("Watch its console: `virsh console {domain}`."))
    }

    /// The addresses that a network gave; none where that cannot be read.
    pub async fn leases(&self, network: &str) -> Vec<Lease> {
        match self.client.ask(Action::Leases { network: network.to_owned() }).await {
            Ok(Answer::Leases(leases)) => leases,
            _ => Vec::new(),
        }
    }

    /// Returns the last lines of a machine's console.
    pub async fn console(&self, plan: &Plan, domain: &str) -> Option<String> {
        self.console_log(&plan.cluster, plan.id, domain, BYTES).await.ok().map(|text| tail(&text))
    }

    /// Returns the last bytes of a machine's console, without colours and cursor movements.
    pub async fn console_log(&self, cluster: &str, id: uuid::Uuid, domain: &str, bytes: u64) -> Result<String> {
        let what = || format!("reading the console of {domain}");
        let action = Action::Tail { pool: owner::pool_name(cluster, id), volume: console_name(domain), bytes };
        let content = match self.client.ask(action).await.map_err(|trouble| trouble.failure(what()))? {
            Answer::Content(content) => content,
            other => return Err(confused(&other)),
        };
        let bytes = BASE64_STANDARD.decode(content).map_err(|error| Failure::other(what()).because(&error))?;
        Ok(plain(&String::from_utf8_lossy(&bytes)))
    }
}

/// The last lines that say anything.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// Leaves out control sequences (ECMA-48) and control characters: systemd and getty write ones that few tools know.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => skip_sequence(&mut characters),
            '\n' | '\t' => plain.push(character),
            other if other.is_control() => {}
            other => plain.push(other),
        }
    }
    plain
}

fn skip_sequence(characters: &mut std::str::Chars<'_>) {
    match characters.next() {
        // A control sequence ends with a letter or one of a few signs.
        Some('[') => drop(characters.find(|character| ('@'..='~').contains(character))),
        // An operating system command ends with a bell, or with an escape and a backslash.
        Some(']') => {
            let end = characters.find(|character| ['\u{7}', '\u{1b}'].contains(character));
            let _ = end.filter(|end| *end == '\u{1b}').and_then(|_| characters.next());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_is_readable() {
        let text = "\u{1b}[0;32m  OK  \u{1b}[0m Started ssh\r\n\r\n\u{1b}[!p\u{1b}]104\u{1b}\\\u{1b}[?7hlogin:";
        let readable = |text: &str| tail(&plain(text));
        assert_eq!(readable(text), "  OK   Started ssh\nlogin:");
        let many = (0..100).map(|line| line.to_string()).collect::<Vec<_>>().join("\n");
        assert_eq!(readable(&many).lines().count(), LINES);
        assert!(readable(&many).ends_with("99"));
    }
}
