//! Every secret that the workstation knows, so that it is masked wherever it turns up.

use engine::event::Secrets;

use super::ground::Applied;
use crate::githost::{read_credentials, receiver_token};
use crate::identity::Identity;
use crate::phase;
use crate::plan::MachinePlan;
use crate::spec::{Cluster, GitHost};

/// Names of environment variables that hold secrets hold one of these words.
const TELLING: [&str; 9] =
    ["TOKEN", "PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "CREDENTIAL", "API_KEY", "PRIVATE_KEY", "ACCESS_KEY"];

/// Registers the identity's private parts, what derives from them, and what spec and environment give.
///
/// What cannot be read cannot be shown either.
pub fn register(cluster: &Cluster, identity: Option<&Identity>, applied: Option<&Applied>, secrets: &Secrets) {
    if let Some(identity) = identity {
        identity.register(secrets);
        secrets.register(&receiver_token(identity));
    }
    for node in applied.iter().flat_map(|applied| &applied.nodes) {
        if let MachinePlan::Existing { key: Some(key), .. } = &node.machine
            && let Ok(key) = std::fs::read_to_string(key)
        {
            secrets.register(&key);
        }
    }
    let host = cluster.gitops.as_ref().map(|gitops| &gitops.host);
    if let Some(GitHost::Url { credentials: Some(credentials), .. }) = host
        && let Ok(value) = read_credentials(credentials)
    {
        secrets.register(&value);
        // `USER:PASSWORD` is shown apart by most programs.
        value.trim().split_once(':').into_iter().for_each(|(_, password)| secrets.register(password));
    }
    // Those that a command gives are masked when the cluster tells its Secrets.
    phase::gitops::mask_at_hand(cluster, secrets);
    for (name, value) in std::env::vars() {
        let name = name.to_uppercase();
        // A path is no secret, but may be in every line.
        if value.len() >= 8 && !value.starts_with('/') && TELLING.iter().any(|word| name.contains(word)) {
            secrets.register(&value);
        }
    }
}
