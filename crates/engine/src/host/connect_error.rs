//! Why a host could not be reached.

use std::fmt;
use std::time::Duration;

use crate::failure::Failure;

/// The last thing that kept us out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing listens on the port.
    Refused,
    /// No answer: the machine is off, not booted, or a firewall drops packets.
    NoAnswer(String),
    /// Another host key than the known one; both as SHA256 fingerprints.
    HostKey { expected: String, found: String },
    /// The host did not accept the login.
    Login { user: String, detail: String },
    /// The login went well, but no root shell came of it.
    Shell(String),
    /// The target's own data cannot be used: a key that does not parse, no agent.
    Unusable(String),
    /// Anything else of the protocol.
    Protocol(String),
}

impl Reason {
    /// Whether a further probe may mend it.
    pub(super) fn may_pass(&self, fresh: bool) -> bool {
        match self {
            Self::Refused | Self::NoAnswer(_) | Self::Protocol(_) => true,
            Self::HostKey { .. } | Self::Login { .. } | Self::Shell(_) => fresh,
            Self::Unusable(_) => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::NoAnswer(detail) => write!(f, "no answer ({detail})"),
            Self::HostKey { expected, found } => {
                write!(f, "its host key is {found}, not the known {expected}")
            }
            Self::Login { user, detail } => write!(f, "login as {user} refused ({detail})"),
            Self::Shell(detail) => write!(f, "no shell: {detail}"),
            Self::Unusable(detail) | Self::Protocol(detail) => f.write_str(detail),
        }
    }
}

/// A host that could not be reached. Turns into a [`Failure`]; a caller that knows the machine adds its state first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectError {
    pub host: String,
    /// `user@address:port`.
    pub to: String,
    pub reason: Reason,
    pub waited: Duration,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what(), self.reason)
    }
}

impl std::error::Error for ConnectError {}

impl ConnectError {
    /// Whether the host is there and did not let us in.
    pub fn refused_login(&self) -> bool {
        matches!(self.reason, Reason::Login { .. } | Reason::Unusable(_))
    }

    fn what(&self) -> String {
        match self.reason {
            Reason::HostKey { .. } => format!("the host key of {} ({}) has changed", self.host, self.to),
            _ => format!("cannot reach {} ({}) after {} s", self.host, self.to, self.waited.as_secs()),
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let failure = Self::step(error.what()).cause(&error.reason);
        match error.reason {
            Reason::Refused => failure.hint("See whether sshd runs there and listens on this port."),
            Reason::NoAnswer(_) => failure.hint("See whether the machine is on and its address is right."),
            Reason::HostKey { .. } => failure
                .hint("If the machine was reinstalled on purpose, put its new public host key in the spec; if not, something else answers at this address."),
            Reason::Login { user, .. } => {
                failure.hint(format!("See whether {user} exists there and its authorized_keys holds our public key."))
            }
            Reason::Shell(_) => failure.hint("See whether the user may run `sudo sh` there without a password."),
            Reason::Unusable(_) | Reason::Protocol(_) => failure,
        }
    }
}
