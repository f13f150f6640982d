//! Masks registered secrets before any reader sees them.

use std::sync::{Arc, RwLock};

use aho_corasick::{AhoCorasick, MatchKind};
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
    /// Registers a secret: the whole, each of its lines of eight bytes or more, and the whole in base64 and in JSON.
    pub fn register(&self, secret: &str) {
        let whole = secret.trim();
        let lines = whole.lines().map(str::trim).filter(|line| line.len() >= 8 && !line.starts_with("-----"));
        let encoded = [STANDARD.encode(secret), STANDARD_NO_PAD.encode(secret), STANDARD.encode(whole)];
        let quoted = serde_json::Value::from(whole).to_string();
        let quoted = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&quoted).to_owned();
        let found = std::iter::once(whole).chain(lines).map(str::to_owned).chain(encoded).chain([quoted]);
        let Ok(mut needles) = self.needles.write() else { return };
        needles.extend(found.filter(|text| text.len() >= 4).map(Needle));
        sort(&mut needles);
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

    /// Takes over what another run has registered.
    pub fn adopt(&self, other: &Self) {
        let theirs = other.needles.read().map(|needles| needles.clone()).unwrap_or_default();
        if let Ok(mut needles) = self.needles.write() {
            needles.extend(theirs);
            sort(&mut needles);
        }
    }

    /// A search for all that is registered now: texts of megabytes are gone through once, not once a secret.
    pub fn search(&self) -> Search {
        let needles = self.needles.read().map(|needles| needles.clone()).unwrap_or_default();
        let texts = needles.iter().map(|Needle(text)| text);
        Search(AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(texts).map_err(|_| needles))
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

/// Longest first, so that a part never unmasks the rest of a whole; each once.
fn sort(needles: &mut Vec<Needle>) {
    needles.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
    needles.dedup_by(|a, b| a.0 == b.0);
}

/// Masks what was registered when it was made.
pub struct Search(Result<AhoCorasick, Vec<Needle>>);

impl Search {
    /// Replaces every secret in a text.
    pub fn mask(&self, text: &str) -> String {
        match &self.0 {
            Ok(search) => {
                let mut masked = String::with_capacity(text.len());
                search.replace_all_with(text, &mut masked, |_, _, masked| {
                    masked.push_str(MASK);
                    true
                });
                masked
            }
            // There are more secrets than one search can hold.
            Err(needles) => needles.iter().fold(text.to_owned(), |text, Needle(secret)| text.replace(secret, MASK)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_masks_the_same_with_the_longest_first() {
        let secrets = Secrets::default();
        assert_eq!(secrets.search().mask("nothing is known"), "nothing is known");
        secrets.register("hunter2");
        secrets.register("hunter2hunter2");
        secrets.register("with \"quotes\"");
        let text = r#"a hunter2hunter2 b hunter2 c {"key":"with \"quotes\""}"#;
        assert_eq!(secrets.search().mask(text), r#"a ******** b ******** c {"key":"********"}"#);
        assert_eq!(secrets.mask(text.into()), secrets.search().mask(text));
    }

    #[test]
    fn a_secret_and_its_base64_are_masked() {
        let secrets = Secrets::default();
        secrets.register("hunter2hunter2");
        let encoded = STANDARD.encode("hunter2hunter2");
        assert_eq!(secrets.mask(format!("a hunter2hunter2 b {encoded}")), "a ******** b ********");
    }

    #[test]
    fn what_another_run_knew_is_masked() {
        let (one, other) = (Secrets::default(), Secrets::default());
        other.register("abcdef.0123456789abcdef");
        one.adopt(&other);
        assert_eq!(one.mask("--token abcdef.0123456789abcdef".into()), "--token ********");
    }

    #[test]
    fn each_line_of_a_key_is_masked() {
        let secrets = Secrets::default();
        secrets.register("-----BEGIN X-----\nabcdefghijkl\n-----END X-----\n");
        assert_eq!(secrets.mask("key abcdefghijkl".into()), "key ********");
    }
}
