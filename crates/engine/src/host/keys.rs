//! SSH key pairs, ed25519 only, in OpenSSH's formats.

use std::fmt;

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{HashAlg, PrivateKey, PublicKey};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};

/// A key pair. Its private half is left out of `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPair {
    /// OpenSSH PEM, with a final newline.
    pub private: String,
    /// `ssh-ed25519 AAAA...`, without a comment.
    pub public: String,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Makes an ed25519 key pair whose private file carries a comment.
pub fn generate_ed25519(comment: &str) -> Result<KeyPair> {
    let failed = |error: russh::keys::ssh_key::Error| Failure::other("an SSH key could not be encoded").because(&error);
    let keypair = Ed25519Keypair::from_seed(&rand::random::<[u8; 32]>());
    let mut key = PrivateKey::from(keypair);
    let mut public = key.public_key().clone();
    public.set_comment("");
    key.set_comment(comment);
    let private = key.to_openssh(LineEnding::LF).map_err(failed)?.to_string();
    Ok(KeyPair { private, public: public.to_openssh().map_err(failed)?.trim_end().to_owned() })
}

/// The fingerprint of a public key in OpenSSH format, as `ssh-keygen -l` prints it: `SHA256:...`.
pub fn fingerprint(public: &str) -> Result<String> {
    let key = PublicKey::from_openssh(public)
        .map_err(|error| Failure::invalid("not a public key in OpenSSH format").because(&error))?;
    Ok(key.fingerprint(HashAlg::Sha256).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_pair_reads_back() {
        let pair = generate_ed25519("seedbed@test").unwrap();
        let key = PrivateKey::from_openssh(&pair.private).unwrap();
        assert_eq!(key.public_key().fingerprint(HashAlg::Sha256).to_string(), fingerprint(&pair.public).unwrap());
        assert!(pair.private.ends_with("-----END OPENSSH PRIVATE KEY-----\n"), "sshd wants the final newline");
        assert_eq!(pair.public.split(' ').count(), 2);
    }

    #[test]
    fn debug_hides_the_private_half() {
        let pair = generate_ed25519("x").unwrap();
        assert!(!format!("{pair:?}").contains("PRIVATE"));
    }

    #[test]
    fn a_known_fingerprint() {
        // `ssh-keygen -lf` prints the same of this key.
        let public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
        assert_eq!(fingerprint(public).unwrap(), "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ");
    }
}
