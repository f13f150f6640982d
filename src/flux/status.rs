//! What `status` shows of Flux: plain data.

use engine::failure::Result;
use kube::Client;
use serde::Serialize;

use super::object::Key;
use super::{Object, Reader, Snapshot};

/// One object that Flux reconciles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectStatus {
    #[serde(flatten)]
    pub key: Key,
    /// Whether it is Ready for its newest generation, and not suspended.
    pub ready: bool,
    pub suspended: bool,
    pub message: String,
    /// What it has applied or offers; empty where there is none.
    pub revision: String,
}

/// Reads every object of Flux, sources after what applies them.
pub async fn status(client: &Client) -> Result<Vec<ObjectStatus>> {
    Ok(status_of(&Reader::new(client.clone()).read(true).await?))
}

/// The same of a snapshot.
pub fn status_of(snapshot: &Snapshot) -> Vec<ObjectStatus> {
    snapshot.flux().map(of).collect()
}

fn of(object: &Object) -> ObjectStatus {
    let condition = object.condition("Ready");
    let without = condition.is_none()
        && object.0.get("status").is_none_or(|status| status.as_object().is_none_or(serde_json::Map::is_empty));
    // Providers, alerts and OCI repositories have nothing to report.
    let silent = without && matches!(object.kind(), "Provider" | "Alert" | "HelmRepository");
    let ready = silent || condition.is_some_and(|ready| ready.status == "True") && object.observed();
    let revisions = ["/status/lastAppliedRevision", "/status/lastAttemptedRevision", "/status/artifact/revision"];
    let revision = revisions.map(|pointer| object.text(pointer)).into_iter().find(|text| !text.is_empty());
    ObjectStatus {
        key: object.key(),
        ready: ready && !object.suspended(),
        suspended: object.suspended(),
        message: condition.map_or("", |ready| ready.message).to_owned(),
        revision: revision.unwrap_or_default().to_owned(),
    }
}
