//! Why the registry did not do what it was asked.

use std::fmt;

use engine::failure::{Failure, Kind};
use reqwest::Response;
use serde_json::Value;

/// What went wrong in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody answers, or the connection broke.
    Unreachable(String),
    /// What answers is not the cluster's registry.
    Untrusted(String),
    /// The password is not its password.
    Denied,
    /// It has no room left.
    Full,
    /// It said no.
    Refused { status: u16, message: String },
    /// The archive cannot be read any more.
    File(String),
}

impl Trouble {
    /// Reads an error of a request that got no answer.
    pub fn of(error: &reqwest::Error) -> Self {
        let mut texts = Vec::new();
        let mut next: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = next {
            texts.push(error.to_string());
            next = error.source();
        }
        let deepest = texts.last().cloned().unwrap_or_default();
        if texts.iter().any(|text| text.contains("invalid peer certificate") || text.contains("InvalidCertificate")) {
            return Self::Untrusted(deepest);
        }
        if error.is_timeout() {
            Self::Unreachable("it did not answer in time".into())
        } else {
            Self::Unreachable(deepest)
        }
    }

    /// Reads an answer that is not the one that was hoped for.
    pub async fn of_answer(response: Response) -> Self {
        let status = response.status().as_u16();
        let body = response.text().await.unwrap_or_default();
        Self::of_text(status, &body)
    }

    fn of_text(status: u16, body: &str) -> Self {
        // The registry has no code of its own for it: the system's error is in the details, as text or as number.
        let full =
            ["no space left on device", "disk quota exceeded", "\"Err\":28"].iter().any(|text| body.contains(text));
        match status {
            401 | 403 => Self::Denied,
            507 => Self::Full,
            _ if status >= 500 && full => Self::Full,
            _ => Self::Refused { status, message: message(body) },
        }
    }

    /// Whether the same request may succeed a little later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            // An upload that a restart has made it forget, and what any server may say for a moment.
            Self::Refused { status, .. } => matches!(status, 404 | 416 | 429 | 500 | 502 | 503 | 504),
            Self::Untrusted(_) | Self::Denied | Self::Full | Self::File(_) => false,
        }
    }

    /// A failure: `what` says what was tried, `name` is the registry's.
    pub fn failure(self, what: impl Into<String>, name: &str) -> Failure {
        let failure = Failure::new(Kind::Other, what).cause(&self);
        match self {
            Self::Unreachable(_) => failure
                .hint("See whether the cluster is up: `seedbed status`.")
                .hint("On the first control plane: `sudo systemctl status seedbed-registry`."),
            Self::Untrusted(_) => failure
                .hint(format!("Another machine answers at {name}, or another cluster's: `seedbed status` tells.")),
            Self::Denied => failure.hint(
                "The state directory is of another cluster than the registry; `seedbed up` gives it its password.",
            ),
            Self::Full => failure
                .hint("A larger volume: `registry: {embedded: {size: SIZE}}` in the spec, then `seedbed rebuild`.")
                .hint("What was pushed before stays. The README says how to remove images: \"A registry of its own\"."),
            Self::Refused { .. } => {
                failure.hint("Its journal says more: `sudo journalctl -u seedbed-registry` on the first control plane.")
            }
            Self::File(_) => failure,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "it does not answer: {why}"),
            Self::Untrusted(why) => write!(f, "its certificate is not signed by the cluster's authority: {why}"),
            Self::Denied => f.write_str("it does not take the password"),
            Self::Full => f.write_str("the registry is full"),
            Self::Refused { status, message } if message.is_empty() => write!(f, "it answered {status}"),
            Self::Refused { status, message } => write!(f, "it answered {status}: {message}"),
            Self::File(why) => write!(f, "the archive cannot be read: {why}"),
        }
    }
}

/// The messages of an answer, as the distribution specification has them; else its first line.
fn message(body: &str) -> String {
    let document: Value = serde_json::from_str(body).unwrap_or_default();
    let told: Vec<String> = document["errors"].as_array().into_iter().flatten().map(one).collect();
    if told.is_empty() { body.lines().next().unwrap_or_default().chars().take(200).collect() } else { told.join("; ") }
}

fn one(error: &Value) -> String {
    let message = error["message"].as_str().or(error["code"].as_str()).unwrap_or_default();
    match &error["detail"] {
        Value::Null => message.to_owned(),
        Value::String(detail) if detail.is_empty() => message.to_owned(),
        Value::String(detail) => format!("{message}: {detail}"),
        detail => format!("{message}: {detail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_errors() {
        let text = r#"{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":"filesystem: write /srv/registry/data: no space left on device"}]}"#;
        assert_eq!(Trouble::of_text(500, text), Trouble::Full);
        let number = r#"{"errors":[{"code":"UNKNOWN","detail":{"DriverName":"filesystem","Enclosed":{"Op":"mkdir","Err":28}}}]}"#;
        assert_eq!(Trouble::of_text(500, number), Trouble::Full);
        assert_eq!(Trouble::of_text(507, ""), Trouble::Full);
        let invalid =
            r#"{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match uploaded content"}]}"#;
        let refused = Trouble::of_text(400, invalid);
        assert_eq!(refused.to_string(), "it answered 400: provided digest did not match uploaded content");
        assert!(!refused.is_transient());
        assert_eq!(Trouble::of_text(401, ""), Trouble::Denied);
        assert!(Trouble::of_text(503, "busy\nmore").is_transient());
    }
}
