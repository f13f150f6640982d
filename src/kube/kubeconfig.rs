//! The administrator's kubeconfig, made on the workstation and never fetched.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::failure::Result;
use serde_json::json;

use crate::identity::Identity;
use crate::state::write_private;

/// Writes the text of a kubeconfig (a JSON document, which is YAML) for one cluster.
pub fn kubeconfig(cluster: &str, server: &str, identity: &Identity) -> String {
    let user = format!("{cluster}-admin");
    let document = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {
            "server": server,
            "certificate-authority-data": STANDARD.encode(&identity.authorities.cluster.certificate),
        }}],
        "users": [{"name": user, "user": {
            "client-certificate-data": STANDARD.encode(&identity.admin.certificate),
            "client-key-data": STANDARD.encode(identity.admin.key.reveal()),
        }}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user}}],
        "current-context": cluster,
    });
    format!("{document:#}\n")
}

/// Writes `kubeconfig` into the state directory, for its owner only; answers whether it changed.
pub fn write_kubeconfig(state: &Path, text: &str) -> Result<bool> {
    let path = state.join("kubeconfig");
    if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(false);
    }
    write_private(&path, text.as_bytes())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kube_crate_reads_it_and_a_second_writing_changes_nothing() {
        let identity = Identity::make("demo", ["cp"]).unwrap();
        let text = kubeconfig("demo", "https://10.45.0.10:6443", &identity);
        let read = kube::config::Kubeconfig::from_yaml(&text).unwrap();
        assert_eq!(read.current_context.as_deref(), Some("demo"));
        assert_eq!(read.clusters[0].cluster.as_ref().unwrap().server.as_deref(), Some("https://10.45.0.10:6443"));
        let directory = tempfile::tempdir().unwrap();
        assert!(write_kubeconfig(directory.path(), &text).unwrap());
        assert!(!write_kubeconfig(directory.path(), &text).unwrap());
    }
}
