//! The user's Secrets: applied before the first sync, and removed once the spec no longer lists them.

use engine::failure::{Failure, Result};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ListParams};
use kube::{Client, ResourceExt as _};
use serde_json::Value;

use crate::kube::{Applier, Identified, failed, object};

/// The label of what the spec lists.
pub const SECRET: &str = "seedbed.internal/gitops-secret";

/// Applies them with their namespaces; answers what changed.
pub(super) async fn apply(client: &Client, applier: &mut Applier<'_>, secrets: &[Value]) -> Result<Vec<Identified>> {
    let objects = secrets.iter().cloned().map(object).collect::<Result<Vec<_>>>()?;
    let mut changed = applier.apply(&objects).await.map_err(typed)?;
    changed.extend(prune(client, secrets).await?);
    Ok(changed)
}

/// Removes those that an earlier spec listed.
async fn prune(client: &Client, secrets: &[Value]) -> Result<Vec<Identified>> {
    let all: Api<Secret> = Api::all(client.clone());
    let ours = ListParams::default().labels(&format!("{SECRET}=true"));
    let found = all.list_metadata(&ours).await.map_err(|error| failed("the secrets cannot be listed", &error))?;
    let mut removed = Vec::new();
    for secret in found.items {
        let (namespace, name) = (secret.namespace().unwrap_or_default(), secret.name_any());
        let listed = |one: &Value| {
            one["kind"] == "Secret" && one["metadata"]["name"] == name && one["metadata"]["namespace"] == namespace
        };
        if secrets.iter().any(listed) {
            continue;
        }
        let api: Api<Secret> = Api::namespaced(client.clone(), &namespace);
        match api.delete(&name, &DeleteParams::default()).await {
            Ok(_) => removed.push(Identified { kind: "Secret".into(), namespace: Some(namespace), name }),
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(failed(format!("Secret/{namespace}/{name} cannot be removed"), &error)),
        }
    }
    Ok(removed)
}

/// A Secret's type never changes.
fn typed(failure: Failure) -> Failure {
    if failure.causes.iter().any(|cause| cause.contains("field is immutable")) {
        return failure.hint("Its type cannot change: delete the Secret with kubectl, and run `seedbed up` again.");
    }
    failure
}
