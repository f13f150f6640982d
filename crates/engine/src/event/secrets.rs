//! Masks registered secrets before any reader sees them.

use std::sync::{Arc, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::EventKind;

/// What stands in a secret's place.
pub const MASK: &str = "********";

/// The secrets of a run, with their base64. Shorter ones than four bytes are not masked: they would mask words.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    needles: Arc<RwLock<Vec<Needle>>>,
}

#[derive(Clone)]
struct Needle(String);

impl std::fmt::Debug for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

impl Secrets {
    /// Registers a secret: the whole, each of its lines of eight bytes or more, and the base64 of the whole.
    pub fn register(&self, secret: &str) {
        let whole = secret.trim();
        let lines = whole.lines().map(str::trim).filter(|line| line.len() >= 8 && !line.starts_with("-----"));
        let encoded = [STANDARD.encode(secret), STANDARD_NO_PAD.encode(secret), STANDARD.encode(whole)];
        let found = std::iter::once(whole).chain(lines).map(str::to_owned).chain(encoded);
        let Ok(mut needles) = self.needles.write() else { return };
        needles.extend(found.filter(|text| text.len() >= 4).map(Needle));
        // Longest first, so that a part never unmasks the rest of a whole.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.0.len()));
        needles.dedup_by(|a, b| a.0 == b.0);
    }

    /// Replaces every registered secret in a text.
    pub fn mask(&self, text: String) -> String {
        let Ok(needles) = self.needles.read() else { return text };
        let mut text = text;
        for Needle(secret) in needles.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        text
    }

    pub(super) fn mask_event(&self, kind: EventKind) -> EventKind {
        use EventKind::{Failed, Note, Output, Skipped, Started, Waiting, Warning};
        match kind {
            Started { name, subject, parent, after } => {
                let subject = subject.map(|subject| self.mask(subject));
                Started { name: self.mask(name), subject, parent, after }
            }
            Waiting { condition } => Waiting { condition: self.mask(condition) },
            Note { text } => Note { text: self.mask(text) },
            Warning { text } => Warning { text: self.mask(text) },
            Output { text } => Output { text: self.mask(text) },
            Skipped { reason } => Skipped { reason: self.mask(reason) },
            Failed { failure, message } => Failed { failure, message: self.mask(message) },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_and_its_base64_are_masked() {
        let secrets = Secrets::default();
        secrets.register("hunter2hunter2");
        let encoded = STANDARD.encode("hunter2hunter2");
        assert_eq!(secrets.mask(format!("a hunter2hunter2 b {encoded}")), "a ******** b ********");
    }

    #[test]
    fn each_line_of_a_key_is_masked() {
        let secrets = Secrets::default();
        secrets.register("-----BEGIN X-----\nabcdefghijkl\n-----END X-----\n");
        assert_eq!(secrets.mask("key abcdefghijkl".into()), "key ********");
    }
}
