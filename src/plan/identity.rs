//! The part of the identity that the plan needs: public, and plain data.

use std::collections::BTreeMap;

use uuid::Uuid;

/// The cluster's id and its public keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicIdentity {
    /// Random, made by the first `up`; nil before.
    pub id: Uuid,
    /// By node name, in OpenSSH format without a comment.
    pub host_keys: BTreeMap<String, String>,
    /// The generated key that logs in, in OpenSSH format.
    pub user_key: String,
    /// The keys of who made the cluster.
    pub owner: Vec<String>,
}

impl PublicIdentity {
    /// Before the first `up`: nothing random is known. Names, addresses and sizes are planned all the same.
    pub fn not_yet() -> Self {
        Self::default()
    }

    /// Whether the first `up` has made it.
    pub fn is_made(&self) -> bool {
        !self.id.is_nil()
    }
}
