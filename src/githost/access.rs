//! How a Git host lets us in.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::host::quote;

use super::Git;

/// What `git` shows a Git host.
#[derive(Clone)]
pub enum Access {
    /// SSH with this key and these host keys; the user's ssh configuration and agent are left out.
    Key { key: PathBuf, known_hosts: PathBuf },
    /// HTTPS with a name and a password or token.
    Password { user: String, password: String },
    /// A path, or whatever the user's own configuration of git and ssh gives.
    Own,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key { key, .. } => write!(f, "Key({})", key.display()),
            Self::Password { user, .. } => write!(f, "Password({user})"),
            Self::Own => f.write_str("Own"),
        }
    }
}

impl Access {
    /// Gives `git` what it needs to reach a URL, through its environment only.
    pub(super) fn apply(&self, git: Git, url: &str) -> Git {
        match self {
            Self::Own => git,
            Self::Key { .. } => {
                git.environment("GIT_SSH_COMMAND", self.ssh().unwrap_or_default()).environment("GIT_SSH_VARIANT", "ssh")
            }
            Self::Password { user, password } => {
                let basic = STANDARD.encode(format!("{user}:{password}"));
                git.environment("GIT_CONFIG_COUNT", "2")
                    .environment("GIT_CONFIG_KEY_0", format!("http.{url}.extraHeader"))
                    .environment("GIT_CONFIG_VALUE_0", format!("Authorization: Basic {basic}"))
                    .environment("GIT_CONFIG_KEY_1", "credential.helper")
                    .environment("GIT_CONFIG_VALUE_1", "")
            }
        }
    }

    /// The `ssh` command line.
    pub fn ssh(&self) -> Option<String> {
        let Self::Key { key, known_hosts } = self else { return None };
        let options = [
            "IdentitiesOnly=yes".to_owned(),
            "IdentityAgent=none".to_owned(),
            "BatchMode=yes".to_owned(),
            "StrictHostKeyChecking=yes".to_owned(),
            // The planned key is the only one that counts.
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            format!("UserKnownHostsFile=\"{}\"", known_hosts.display()),
            "ConnectTimeout=30".to_owned(),
            "ServerAliveInterval=15".to_owned(),
            "LogLevel=ERROR".to_owned(),
        ];
        let options = options.map(|option| format!("-o {}", quote(&option))).join(" ");
        Some(format!("ssh -F none -i {} {options}", quote(&key.to_string_lossy())))
    }
}
