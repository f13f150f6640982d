//! The Secrets with which Flux reads the registry: its controllers know nothing of containerd's files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::flux::NAMESPACE;
use crate::identity::RegistryKeys;

/// For `secretRef` and `imagePullSecrets`.
const LOGIN: &str = "seedbed-registry";
/// For `certSecretRef`.
const AUTHORITY: &str = "seedbed-registry-ca";

/// Makes both.
pub fn secrets(name: &str, keys: &RegistryKeys) -> Vec<Value> {
    let secret = |secret: &str, kind: &str, key: &str, value: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": {"name": secret, "namespace": NAMESPACE},
            "data": {key: STANDARD.encode(value)},
        })
    };
    let login = keys.docker_config(name).to_string();
    vec![
        secret(LOGIN, "kubernetes.io/dockerconfigjson", ".dockerconfigjson", &login),
        secret(AUTHORITY, "Opaque", "ca.crt", &keys.authority.certificate),
    ]
}
