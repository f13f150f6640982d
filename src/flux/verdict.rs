//! From findings over time to a verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use super::{Finding, Key, State};

/// How long a suspicion must stand.
const STANDS: Duration = Duration::from_secs(45);
/// The same where nothing tells how often it was tried.
const STANDS_UNTOLD: Duration = Duration::from_secs(90);
/// How many tries there must have been after the first.
const RETRIES: usize = 2;
/// How long a try may hide a failure: Flux says "in progress" while it tries again.
const HIDDEN: Duration = Duration::from_secs(60);
/// How long a failure that is permanent must stand: two looks.
const CERTAIN: Duration = Duration::from_secs(4);
/// The same below a release that may be applying its mended revision just now, and of what is tried again.
const SETTLED: Duration = Duration::from_secs(25);

/// What a look means for the wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    Ready,
    /// How many objects are not Ready, and the deepest that is told of.
    Progressing {
        missing: usize,
        finding: Box<Finding>,
    },
    /// No waiting mends it.
    Permanent {
        finding: Box<Finding>,
    },
}

/// What earlier looks found of objects that are suspected.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    suspicions: BTreeMap<Key, Suspicion>,
}

#[derive(Clone, Debug)]
struct Suspicion {
    /// What it says, without what changes from try to try.
    mark: String,
    since: Duration,
    seen: Duration,
    attempts: BTreeSet<String>,
    finding: Finding,
}

impl Memory {
    /// Judges findings at a time, which counts from any fixed moment.
    pub fn verdict(&mut self, findings: &[Finding], now: Duration) -> Verdict {
        self.remember(findings, now);
        let standing =
            || self.suspicions.values().filter(|suspicion| suspicion.stands(now)).map(|known| &known.finding);
        let permanent = deepest(standing().filter(|finding| finding.state == State::Permanent));
        let suspects = standing().filter(|finding| finding.state == State::Suspected && !may_heal(finding, findings));
        if let Some(finding) = permanent.or_else(|| deepest(suspects)) {
            return Verdict::Permanent { finding: Box::new(finding.clone()) };
        }
        let missing: Vec<&Finding> = findings.iter().filter(|finding| finding.state != State::Ready).collect();
        match shown(&missing) {
            None => Verdict::Ready,
            Some(finding) => Verdict::Progressing { missing: missing.len(), finding: Box::new(finding.clone()) },
        }
    }

    /// The objects that are suspected and that Flux can be asked to try again.
    pub fn to_retry(&self) -> impl Iterator<Item = &Key> {
        let suspicions = self.suspicions.values().filter(|suspicion| suspicion.attempts.len() <= RETRIES);
        suspicions.map(|suspicion| &suspicion.finding.key)
    }

    fn remember(&mut self, findings: &[Finding], now: Duration) {
        for finding in findings.iter().filter(|finding| finding.state >= State::Suspected) {
            let mark = format!("{:?} {} {}", finding.state, mark(&finding.message), finding.epoch);
            let known = self.suspicions.get(&finding.key).filter(|known| known.mark == mark);
            let (since, mut attempts) =
                known.map_or_else(|| (now, BTreeSet::new()), |known| (known.since, known.attempts.clone()));
            attempts.insert(finding.attempt.clone());
            let suspicion = Suspicion { mark, since, seen: now, attempts, finding: finding.clone() };
            self.suspicions.insert(finding.key.clone(), suspicion);
        }
        let states: BTreeMap<&Key, State> = findings.iter().map(|finding| (&finding.key, finding.state)).collect();
        self.suspicions.retain(|key, suspicion| match states.get(key) {
            Some(State::Suspected | State::Permanent) => true,
            // A pod that was replaced is not there any more; a try hides a failure only for a while.
            Some(State::Progressing | State::Waiting) => now.saturating_sub(suspicion.seen) < HIDDEN,
            _ => false,
        });
    }
}

impl Suspicion {
    fn stands(&self, now: Duration) -> bool {
        if self.finding.state == State::Permanent {
            return self.stands_for_good(now);
        }
        let told = self.attempts.iter().any(|attempt| !attempt.trim().is_empty());
        let stood = now.saturating_sub(self.since);
        if told { stood >= STANDS && self.attempts.len() > RETRIES } else { stood >= STANDS_UNTOLD }
    }

    fn stands_for_good(&self, now: Duration) -> bool {
        let stood = now.saturating_sub(self.since);
        let certain = match self.finding.key.kind.as_str() {
            "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicaSet" | "Pod" => false,
            // A key or a file may have been put right from outside since it was tried.
            "GitRepository" | "OCIRepository" | "HelmRepository" | "Bucket" => self.attempts.len() > 1,
            _ => true,
        };
        stood >= if certain { CERTAIN } else { SETTLED }
    }
}

/// What is shown of the objects that are missing: suspects first, then the deepest.
fn shown<'a>(missing: &[&'a Finding]) -> Option<&'a Finding> {
    missing.iter().copied().max_by_key(|finding| (finding.state, finding.chain.len()))
}

/// Whether something that a suspect could depend on still progresses.
///
/// What comes before it in its own chain waits for it, so it does not count.
fn may_heal(suspect: &Finding, findings: &[Finding]) -> bool {
    findings.iter().any(|other| other.state == State::Progressing && !suspect.chain.contains(&other.key))
}

/// The finding that lies deepest: a pod rather than its Kustomization.
fn deepest<'a>(findings: impl Iterator<Item = &'a Finding>) -> Option<&'a Finding> {
    findings.max_by_key(|finding| finding.chain.len())
}

/// The part of a message that stays the same from try to try: its reason.
fn mark(message: &str) -> String {
    message.split(": ").next().unwrap_or_default().to_owned()
}
