//! The random part of a cluster: ids, keys and certificates, made once and kept.
//!
//! The first `up` makes it under the lock, before anything else exists; every later command loads
//! it. With it, host keys, addresses and the kubeconfig are known before the first machine boots.

mod authority;
mod owner;
mod registry;
mod store;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use base64::Engine as _;
use engine::event::Secrets;
use engine::failure::{Failure, Result};
use engine::host::keys::{self, KeyPair};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use authority::{Authority, Credential};
pub use owner::keys as owner_keys;
pub use registry::RegistryKeys;

use crate::plan::PublicIdentity;

/// The version of `identity.json`.
const VERSION: u32 = 1;

/// All that is random about a cluster and outlives a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    version: u32,
    /// Carried by every object of the cluster.
    pub id: Uuid,
    pub authorities: Authorities,
    /// The administrator's client certificate, which the kubeconfig holds.
    pub admin: Credential,
    /// The workstation's key, for logging in.
    pub user: KeyPair,
    pub git: GitKeys,
    /// The host key of each node, by its name.
    pub hosts: BTreeMap<String, KeyPair>,
    /// The key of etcd's encryption at rest: 32 bytes in base64.
    pub encryption: Sensitive,
    /// The public keys of who made it, as they were then: a lost state directory is recovered with them.
    #[serde(default)]
    pub owner: Vec<String>,
    /// What opens the embedded registry; made when the spec first asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<RegistryKeys>,
}

/// What kubeadm calls its certificate authorities, and the service accounts' key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorities {
    /// `ca`.
    pub cluster: Authority,
    /// `front-proxy-ca`.
    pub front_proxy: Authority,
    /// `etcd/ca`.
    pub etcd: Authority,
    /// `sa`: signs tokens; it has no certificate.
    pub service_account: SigningKey,
}

/// A key pair without a certificate, in PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    pub private: Sensitive,
    pub public: String,
}

/// The three keys that the embedded Git host knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitKeys {
    /// Flux reads.
    pub flux: KeyPair,
    /// Image automation writes.
    pub automation: KeyPair,
    /// The workstation writes.
    pub workstation: KeyPair,
}

/// A text that neither `Debug` nor `Display` shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sensitive(String);

impl Sensitive {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Hands out the text, for a file or a request.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("********")
    }
}

impl Identity {
    /// Makes a new identity for a cluster of this name with these nodes.
    pub fn make<'a>(cluster: &str, nodes: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let authorities = Authorities {
            cluster: Authority::make("kubernetes")?,
            front_proxy: Authority::make("front-proxy-ca")?,
            etcd: Authority::make("etcd-ca")?,
            service_account: authority::signing_key()?,
        };
        let admin = authorities.cluster.issue_client("kubernetes-admin", "system:masters")?;
        let key = |purpose: &str| keys::generate_ed25519(&format!("seedbed/{cluster}/{purpose}"));
        let mut identity = Self {
            version: VERSION,
            id: Uuid::new_v4(),
            authorities,
            admin,
            user: key("workstation")?,
            git: GitKeys { flux: key("flux")?, automation: key("automation")?, workstation: key("git-push")? },
            hosts: BTreeMap::new(),
            encryption: Sensitive(base64::engine::general_purpose::STANDARD.encode(rand::random::<[u8; 32]>())),
            owner: Vec::new(),
            registry: None,
        };
        identity.add_hosts(nodes)?;
        Ok(identity)
    }

    /// Makes host keys for the nodes that have none; answers whether there were any.
    pub fn add_hosts<'a>(&mut self, nodes: impl IntoIterator<Item = &'a str>) -> Result<bool> {
        let before = self.hosts.len();
        for node in nodes {
            if !self.hosts.contains_key(node) {
                self.hosts.insert(node.to_owned(), keys::generate_ed25519(node)?);
            }
        }
        Ok(self.hosts.len() > before)
    }

    /// Makes the registry's keys unless they are there; answers whether they were not.
    pub fn add_registry(&mut self, cluster: &str) -> Result<bool> {
        let missing = self.registry.is_none();
        if missing {
            self.registry = Some(RegistryKeys::make(cluster)?);
        }
        Ok(missing)
    }

    /// The registry's keys.
    pub fn registry(&self) -> Result<&RegistryKeys> {
        let missing = || Failure::other("the identity holds no keys of a registry").hint("`seedbed up` makes them.");
        self.registry.as_ref().ok_or_else(missing)
    }

    /// The host key of a node.
    pub fn host(&self, node: &str) -> Result<&KeyPair> {
        self.hosts.get(node).ok_or_else(|| Failure::other(format!("the identity holds no host key for {node}")))
    }

    /// The public part, all that planning sees.
    pub fn public(&self) -> PublicIdentity {
        let host_keys = self.hosts.iter().map(|(name, key)| (name.clone(), key.public.clone())).collect();
        PublicIdentity { id: self.id, host_keys, user_key: self.user.public.clone(), owner: self.owner.clone() }
    }

    /// Issues a kubelet's serving certificate, or metrics-server could not check it.
    pub fn kubelet_serving(&self, node: &str, address: Ipv4Addr) -> Result<Credential> {
        let names = [node.to_owned(), address.to_string()];
        self.authorities.cluster.issue_server(&format!("system:node:{node}"), "system:nodes", &names)
    }

    /// Masks every private part in whatever is shown.
    pub fn register(&self, secrets: &Secrets) {
        let Authorities { cluster, front_proxy, etcd, service_account } = &self.authorities;
        for authority in [cluster, front_proxy, etcd] {
            secrets.register(authority.key.reveal());
        }
        secrets.register(service_account.private.reveal());
        secrets.register(self.admin.key.reveal());
        secrets.register(self.encryption.reveal());
        let pairs = [&self.user, &self.git.flux, &self.git.automation, &self.git.workstation];
        for pair in pairs.into_iter().chain(self.hosts.values()) {
            secrets.register(&pair.private);
        }
        if let Some(registry) = &self.registry {
            registry.register(secrets);
        }
    }

    /// What people may compare: a name and a fingerprint of each key.
    pub fn fingerprints(&self) -> Result<Vec<(String, String)>> {
        let Authorities { cluster, front_proxy, etcd, .. } = &self.authorities;
        let mut found = vec![
            ("certificate authority".to_owned(), cluster.fingerprint()?),
            ("front proxy authority".to_owned(), front_proxy.fingerprint()?),
            ("etcd authority".to_owned(), etcd.fingerprint()?),
            ("workstation key".to_owned(), keys::fingerprint(&self.user.public)?),
            ("flux key".to_owned(), keys::fingerprint(&self.git.flux.public)?),
        ];
        if let Some(registry) = &self.registry {
            found.push(("registry authority".to_owned(), registry.authority.fingerprint()?));
        }
        for (name, pair) in &self.hosts {
            found.push((format!("host key of {name}"), keys::fingerprint(&pair.public)?));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
