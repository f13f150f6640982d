//! Waits until everything in the repository is Ready, or says why it never will be.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::event::{Step, Unit};
use engine::failure::{Failure, Result};
use kube::Client;
use tokio::time::Instant;

use super::object::commit_of;
use super::{
    Finding, Key, Memory, NAME, NAMESPACE, Nudges, Object, Reader, Snapshot, State, Verdict, diagnosis, judge,
};

/// How long an API that does not answer is borne with.
const SILENCE: Duration = Duration::from_secs(120);

/// What is waited for.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The commit that the first source must contain.
    pub commit: String,
    /// The names of the planned nodes.
    pub nodes: Vec<String>,
    pub deadline: Duration,
    /// The pause between two looks.
    pub pause: Duration,
}

/// Waits until everything is Ready; answers the last snapshot.
///
/// `contains` says whether a commit that the cluster is at contains the expected one.
pub async fn wait_until_ready(
    client: &Client,
    expected: &Expected,
    contains: impl AsyncFn(&str) -> Result<bool>,
    step: &Step,
) -> Result<Snapshot> {
    let mut wait = Wait {
        client,
        expected,
        step,
        reader: Reader::new(client.clone()),
        memory: Memory::default(),
        accepted: BTreeSet::from([expected.commit.clone()]),
        nudges: Nudges::default(),
        shown: String::new(),
        start: Instant::now(),
    };
    let (mut answered, mut last) = (Instant::now(), None::<Finding>);
    loop {
        match wait.look(&contains).await {
            Ok((Verdict::Ready, snapshot)) => return Ok(snapshot),
            Ok((Verdict::Permanent { finding }, _)) => {
                return Err(diagnosis::explain(client, "the repository does not become Ready", &finding).await);
            }
            Ok((Verdict::Progressing { finding, .. }, _)) => {
                answered = Instant::now();
                last = Some(*finding);
            }
            Err(failure) if answered.elapsed() > SILENCE => return Err(failure),
            // The API server of a small machine is busy now and then.
            Err(failure) => step.waiting(failure.to_string()),
        }
        if wait.start.elapsed() + expected.pause >= expected.deadline {
            let what = format!("the repository is not Ready after {} s", expected.deadline.as_secs());
            return Err(match last {
                Some(finding) => diagnosis::explain(client, &what, &finding).await,
                None => Failure::not_ready(what).cause("the API never answered"),
            });
        }
        tokio::time::sleep(expected.pause).await;
    }
}

/// Whether a tier has not begun with the revision that its source offers.
fn is_behind(object: &Object, snapshot: &Snapshot) -> bool {
    let kind = object.text("/spec/sourceRef/kind");
    let namespace = match object.text("/spec/sourceRef/namespace") {
        "" => object.namespace(),
        namespace => namespace,
    };
    let source = Key::new(kind, namespace, object.text("/spec/sourceRef/name"));
    object.kind() == "Kustomization"
        && snapshot
            .flux()
            .find(|other| other.key() == source)
            .is_some_and(|source| source.artifact_revision() != object.text("/status/lastAttemptedRevision"))
}

struct Wait<'a> {
    client: &'a Client,
    expected: &'a Expected,
    step: &'a Step,
    reader: Reader,
    memory: Memory,
    /// Commits that are known to contain the expected one.
    accepted: BTreeSet<String>,
    nudges: Nudges,
    shown: String,
    start: Instant,
}

impl Wait<'_> {
    async fn look(&mut self, contains: &impl AsyncFn(&str) -> Result<bool>) -> Result<(Verdict, Snapshot)> {
        let mut snapshot = self.reader.read(false).await?;
        self.accept(&snapshot, contains).await?;
        let mut findings = judge(&snapshot, &self.accepted, &self.expected.nodes);
        if findings.iter().all(|finding| finding.state == State::Ready) {
            // The API server's caches may each be a moment behind: what counts is read from etcd.
            snapshot = self.reader.read(true).await?;
            self.accept(&snapshot, contains).await?;
            findings = judge(&snapshot, &self.accepted, &self.expected.nodes);
        }
        if findings.iter().any(|finding| finding.state >= State::Suspected) {
            // What is named in the end is the deepest that fails: its kind may have had no objects until now.
            self.reader.leave_nothing_out();
        }
        let verdict = self.memory.verdict(&findings, self.start.elapsed());
        self.show(&findings, &verdict);
        self.retry(&snapshot, &findings).await?;
        Ok((verdict, snapshot))
    }

    /// Learns whether the commit that the first source is at contains the expected one.
    async fn accept(&mut self, snapshot: &Snapshot, contains: &impl AsyncFn(&str) -> Result<bool>) -> Result<()> {
        let root = Key::new("GitRepository", NAMESPACE, NAME);
        let Some(source) = snapshot.flux().find(|object| object.key() == root) else { return Ok(()) };
        let commit = commit_of(source.artifact_revision());
        if !commit.is_empty() && !self.accepted.contains(commit) && contains(commit).await? {
            self.accepted.insert(commit.to_owned());
        }
        Ok(())
    }

    /// Asks Flux to try what fails again, so that a cause which has gone is seen, and one that stays is known.
    ///
    /// The first source is asked for as long as it lacks the commit.
    async fn retry(&mut self, snapshot: &Snapshot, findings: &[Finding]) -> Result<()> {
        let root = Key::new("GitRepository", NAMESPACE, NAME);
        let behind = findings.iter().any(|finding| finding.key == root && finding.state == State::Progressing);
        let mut keys: Vec<Key> = self.memory.to_retry().cloned().collect();
        keys.extend(behind.then_some(root));
        for key in snapshot.flux().filter(|object| is_behind(object, snapshot)).map(Object::key) {
            // Flux tells them by itself, but for a dependsOn cycle anywhere: then it tells none.
            self.nudges.hold(key.clone());
            keys.push(key);
        }
        for object in snapshot.flux().filter(|object| keys.contains(&object.key())) {
            self.nudges.nudge(self.client, object).await?;
        }
        Ok(())
    }

    fn show(&mut self, findings: &[Finding], verdict: &Verdict) {
        let ready = findings.iter().filter(|finding| finding.state == State::Ready).count();
        self.step.progress(ready as u64, Some(findings.len() as u64), Unit::Items);
        if let Verdict::Progressing { finding, .. } = verdict {
            let text = format!("{}: {}", finding.key, finding.message);
            if text != self.shown {
                self.step.waiting(text.clone());
                self.shown = text;
            }
        }
    }
}
