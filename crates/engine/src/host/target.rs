//! Where a host is and how it is reached: plain data.

use std::fmt;
use std::time::Duration;

/// A host to connect to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The name that people know it by.
    pub name: String,
    /// A name or an address.
    pub address: String,
    pub port: u16,
    pub user: String,
    /// The host's public key as OpenSSH writes it (`ssh-ed25519 AAAA...`). Never learned on first use.
    pub host_key: String,
    pub login: Login,
    pub escalation: Become,
    /// Just created: until the first success, a wrong host key or a refused login is "not yet" (and never accepted).
    pub fresh: bool,
    /// How long to keep trying.
    pub deadline: Duration,
}

impl Target {
    /// A host on port 22 with `sudo`, to be reached within a minute.
    pub fn new(
        name: impl Into<String>,
        address: impl Into<String>,
        user: impl Into<String>,
        host_key: impl Into<String>,
        login: Login,
    ) -> Self {
        let user = user.into();
        Self {
            name: name.into(),
            address: address.into(),
            port: 22,
            escalation: if user == "root" { Become::None } else { Become::Sudo { password: None } },
            user,
            host_key: host_key.into(),
            login,
            fresh: false,
            deadline: Duration::from_secs(60),
        }
    }
}

/// How the user proves who they are.
#[derive(Clone)]
pub enum Login {
    /// An unencrypted private key, the text of an OpenSSH key file.
    Key(String),
    /// The agent that `SSH_AUTH_SOCK` names: its keys in turn.
    Agent,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key(_) => "Key(********)",
            Self::Agent => "Agent",
        })
    }
}

/// How commands become root's.
#[derive(Clone)]
pub enum Become {
    /// They run as the user who logged in.
    None,
    /// They run through `sudo`; without a password it must not ask for one.
    Sudo { password: Option<String> },
}

impl fmt::Debug for Become {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Sudo { password: None } => "Sudo",
            Self::Sudo { .. } => "Sudo(********)",
        })
    }
}
