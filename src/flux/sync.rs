//! The first objects: what Flux reads, with which key, and who may nudge it.

use std::net::{Ipv4Addr, SocketAddrV4};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::failure::Result;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{NAME, NAMESPACE};
use crate::githost::SecretData;
use crate::kube::object;
use crate::plan::Pace;

/// The name of the Receiver that the Git host's hook calls.
pub const RECEIVER: &str = "flux-system";
const TOKEN: &str = "webhook-token";

/// What Flux is pointed at.
#[derive(Clone)]
pub struct Sync {
    pub url: String,
    pub branch: String,
    /// The folder in the repository that the first Kustomization applies.
    pub path: String,
    /// The data of the Secret that lets source-controller in; empty for a public repository.
    pub credentials: SecretData,
    /// What the user wants there before the first sync: namespaces and Secrets.
    pub secrets: Vec<Value>,
    /// What opens the embedded registry: Secrets.
    pub registry: Vec<Value>,
    /// The Secret with the age keys that decrypt the repository.
    pub decryption: Option<String>,
    /// Where the API is: controllers that asked for its Service would fail until kube-proxy has made that.
    pub api: SocketAddrV4,
    /// The planned service address of the Receiver, which the Git host's hook calls.
    pub webhook: Option<Ipv4Addr>,
    /// The Receiver's token; none where no Git host of ours calls it.
    pub token: Option<String>,
    pub pace: Pace,
}

/// Makes the first objects.
pub fn sync_objects(sync: &Sync) -> Result<Vec<DynamicObject>> {
    let mut documents = Vec::new();
    if !sync.credentials.0.is_empty() {
        documents.push(secret(NAME, &sync.credentials.0));
    }
    if let Some(token) = &sync.token {
        documents.push(secret(TOKEN, &[("token".to_owned(), token.clone())]));
        documents.push(json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
            "metadata": {"name": RECEIVER, "namespace": NAMESPACE},
            "spec": {
                "type": "generic",
                "secretRef": {"name": TOKEN},
                "resources": [{"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "name": NAME}],
            },
        }));
    }
    documents.extend(sync.registry.iter().cloned());
    documents.push(git_repository(sync));
    documents.push(kustomization(sync));
    documents.into_iter().map(object).collect()
}

/// In base64, as the API keeps it: `stringData` would differ at every apply.
fn secret(name: &str, pairs: &[(String, String)]) -> Value {
    let data: serde_json::Map<String, Value> =
        pairs.iter().map(|(name, value)| (name.clone(), json!(STANDARD.encode(value)))).collect();
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE}, "data": data,
    })
}

fn git_repository(sync: &Sync) -> Value {
    let mut document = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "interval": "1m",
            "timeout": if sync.pace == Pace::Emulated { "5m" } else { "60s" },
            "url": sync.url,
            "ref": {"branch": sync.branch},
        },
    });
    if !sync.credentials.0.is_empty() {
        document["spec"]["secretRef"] = json!({"name": NAME});
    }
    document
}

fn kustomization(sync: &Sync) -> Value {
    let mut document = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "interval": "10m",
            "retryInterval": "30s",
            "timeout": "5m",
            "path": format!("./{}", sync.path.trim_start_matches("./").trim_matches('/')),
            "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": NAME},
            "patches": without_their_flux(),
        },
    });
    if let Some(secret) = &sync.decryption {
        document["spec"]["decryption"] = json!({"provider": "sops", "secretRef": {"name": secret}});
    }
    document
}

/// Leaves the Flux of `flux bootstrap` out of the repository's objects, or it would replace ours.
///
/// Its components carry a label; its `GitRepository` and `Kustomization` have the names of ours.
fn without_their_flux() -> Value {
    let delete = |kind: &str| format!("$patch: delete\napiVersion: v1\nkind: {kind}\nmetadata:\n  name: ignored\n");
    let named = |group: &str, kind: &str| {
        json!({
            "target": {"group": group, "kind": kind, "name": format!("^{NAME}$"), "namespace": format!("^{NAMESPACE}$")},
            "patch": delete(kind),
        })
    };
    json!([
        {"target": {"labelSelector": "app.kubernetes.io/part-of=flux"}, "patch": delete("Ignored")},
        named("source.toolkit.fluxcd.io", "GitRepository"),
        named("kustomize.toolkit.fluxcd.io", "Kustomization"),
    ])
}
