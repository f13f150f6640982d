//! From a finding to a failure that people can act on.

use std::time::Duration;

use engine::failure::Failure;
use kube::Client;

use super::object::commit_of;
use super::{Finding, Key, Memory, NAME, NAMESPACE, Snapshot, Verdict, judge};
use crate::kube::{events_of, log_tail};

/// How many of a container's last log lines are shown.
const LINES: i64 = 20;

/// The one cause why a repository is not Ready now, as a wait for it would tell; none where everything is.
///
/// Nobody says which commit is expected, so it is the one that the first source is at.
pub async fn cause(client: &Client, snapshot: &Snapshot, nodes: &[String]) -> Option<Failure> {
    let root = Key::new("GitRepository", NAMESPACE, NAME);
    let source = snapshot.flux().find(|object| object.key() == root);
    let accepted = source.map(|source| commit_of(source.artifact_revision()).to_owned()).into_iter().collect();
    match Memory::default().verdict(&judge(snapshot, &accepted, nodes), Duration::ZERO) {
        Verdict::Ready => None,
        Verdict::Progressing { finding, .. } | Verdict::Permanent { finding } => {
            Some(explain(client, "the repository is not Ready", &finding).await)
        }
    }
}

/// Explains a finding: the chain down to the deepest object, its message, its warnings and last log lines.
pub async fn explain(client: &Client, what: &str, finding: &Finding) -> Failure {
    let mut failure = Failure::not_ready(what);
    for key in &finding.chain[..finding.chain.len() - 1] {
        failure = failure.cause(key);
    }
    let object = match &finding.container {
        Some(container) => format!("{} container {container}", finding.key),
        None => finding.key.to_string(),
    };
    failure = failure.cause(format!("{object}: {}", finding.message));
    let evidence = evidence(client, finding).await;
    if !evidence.is_empty() {
        failure = failure.evidence(evidence);
    }
    hint(failure, finding)
}

async fn evidence(client: &Client, finding: &Finding) -> String {
    let Key { kind, namespace, name } = &finding.key;
    let mut parts = Vec::new();
    // The events of a Flux object tell of older revisions too; its condition tells what holds now.
    if matches!(kind.as_str(), "Pod" | "ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet" | "Job") {
        let warnings = events_of(client, namespace, kind, name).await;
        parts.extend(warnings.into_iter().rev().take(3));
    }
    if kind == "Pod" {
        let log = log_tail(client, namespace, name, finding.container.as_deref(), LINES).await;
        if !log.trim().is_empty() {
            parts.push(format!("the last lines of its log:\n{}", log.trim_end()));
        }
    }
    parts.join("\n")
}

fn hint(failure: Failure, finding: &Finding) -> Failure {
    let Key { kind, namespace, name } = &finding.key;
    let message = &finding.message;
    let hint = if message.contains("runAsNonRoot") || message.contains("non-root") {
        "Build the image with a numeric USER, or set securityContext.runAsUser in the repository.".to_owned()
    } else if message.contains("spec.suspend") {
        format!("Remove spec.suspend from {name} in the repository, or run flux resume.")
    } else if message.starts_with("ImagePullBackOff") {
        "Make sure that the image exists under this name and that the node may pull it.".to_owned()
    } else if message.starts_with("BuildFailed") {
        "Run kustomize build on the folder, mend what it says, commit and run up again.".to_owned()
    } else {
        let lower = kind.to_lowercase();
        format!(
            "Look closer with kubectl -n {namespace} describe {lower} {name}; mend the repository, commit, and run up again."
        )
    };
    failure.hint(hint)
}
