//! The embedded Git host: a bare repository on the first control plane, over the system's sshd.

use engine::digest;
use serde::Serialize;

/// What `playbooks/git-host.yaml` is given. The keys are public ones, in OpenSSH format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Embedded {
    /// The repository's absolute path on the host.
    pub git_repository: String,
    pub git_branch: String,
    /// The key with which Flux reads.
    pub git_flux_key: String,
    /// The key with which automation in the cluster writes.
    pub git_automation_key: String,
    /// The key with which the workstation writes.
    pub git_workstation_key: String,
    /// What the post-receive hook calls, so that a push is reconciled at once.
    pub git_webhook: String,
}

/// The path of a Flux Receiver's webhook, which notification-controller derives from the token.
pub fn webhook_path(token: &str, name: &str, namespace: &str) -> String {
    format!("/hook/{}", digest::of_bytes(format!("{token}{name}{namespace}").as_bytes()))
}
