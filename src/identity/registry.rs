//! What opens the embedded registry: an authority of its own, and its one account.

use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use engine::event::Secrets;
use engine::failure::{Failure, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Authority, Credential, Sensitive};

/// The account that nodes, Flux and the workstation share: whoever knows it may read and write.
///
/// The registry's password file tells no readers from writers, and a second registry beside it that only reads would
/// let everyone in the network read.
const USER: &str = "seedbed";

/// A password of 192 random bits cannot be guessed, whatever a guess costs; but every request of a pull is checked by
/// this hash, and on an emulated node the usual cost takes a second each time.
const COST: u32 = 4;

/// The registry's keys, made once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryKeys {
    pub authority: Authority,
    password: Sensitive,
    /// The line of its password file, with a bcrypt hash: htpasswd(1).
    pub htpasswd: Sensitive,
}

impl RegistryKeys {
    /// Makes the keys of a cluster's registry.
    pub fn make(cluster: &str) -> Result<Self> {
        let password = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>());
        let hash = bcrypt::hash_with_salt(&password, COST, rand::random::<[u8; 16]>())
            .map_err(|error| Failure::other("a password could not be hashed").because(&error))?;
        Ok(Self {
            authority: Authority::make(&format!("registry of {cluster}"))?,
            password: Sensitive::new(password),
            htpasswd: Sensitive::new(format!("{USER}:{}\n", hash.format_for_version(bcrypt::Version::TwoB))),
        })
    }

    /// Issues the certificate that the registry shows.
    pub fn issue(&self, node: &str, address: Ipv4Addr) -> Result<Credential> {
        self.authority.issue_server(node, "seedbed", &[address.to_string(), node.to_owned()])
    }

    /// The value of the header `Authorization`, RFC 7617.
    pub fn authorization(&self) -> String {
        format!("Basic {}", self.encoded())
    }

    /// What lets in programs that read `~/.docker/config.json`, Flux and the kubelet among them.
    pub fn docker_config(&self, name: &str) -> Value {
        json!({"auths": {name: {"username": USER, "password": self.password.reveal(), "auth": self.encoded()}}})
    }

    pub(super) fn register(&self, secrets: &Secrets) {
        for secret in [self.authority.key.reveal(), self.password.reveal(), &self.encoded(), self.htpasswd.reveal()] {
            secrets.register(secret);
        }
    }

    fn encoded(&self) -> String {
        STANDARD.encode(format!("{USER}:{}", self.password.reveal()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_one_that_was_hashed() {
        let keys = RegistryKeys::make("demo").unwrap();
        let (user, hash) = keys.htpasswd.reveal().trim_end().split_once(':').unwrap();
        assert_eq!(user, USER);
        assert!(hash.starts_with("$2b$04$"), "{hash}");
        assert!(bcrypt::verify(keys.password.reveal(), hash).unwrap());
        let config = keys.docker_config("10.0.0.1:5000");
        let auth = config["auths"]["10.0.0.1:5000"]["auth"].as_str().unwrap();
        assert_eq!(keys.authorization(), format!("Basic {auth}"));
    }

    #[test]
    fn no_form_of_the_password_passes_the_mask() {
        let keys = RegistryKeys::make("demo").unwrap();
        let secrets = Secrets::default();
        keys.register(&secrets);
        let text = format!("{} {} {}", keys.docker_config("a:1"), keys.authorization(), keys.htpasswd.reveal());
        let masked = secrets.mask(text);
        for secret in [keys.password.reveal(), &keys.encoded(), keys.htpasswd.reveal().trim()] {
            assert!(!masked.contains(secret), "{masked}");
        }
    }
}
