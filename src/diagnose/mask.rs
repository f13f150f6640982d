//! Masks what is secret in gathered texts: what is known to be, and what looks like it.

use std::sync::LazyLock;

use engine::event::{MASK, Search, Secrets};
use regex::{Captures, Regex};
use serde_json::Value;

use super::content::Content;
use super::object;

/// A value after a telling name: quoted in a quoted text, quoted, or bare.
macro_rules! value {
    () => {
        r#"(?:\\"[^"\\]*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'\\,;&}]+)"#
    };
}

/// What looks like a secret; what groups 1 and 2 match stays, and quotes around the rest.
const RULES: [&str; 16] = [
    // Private keys in PEM: whole, cut off at the end, cut off at the beginning, and in base64.
    r"(?s)()-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?-----END [A-Z0-9 ]*PRIVATE KEY-----",
    r"()-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:\s*[^\n]*[A-Za-z0-9+/]{24}[^\n]*\n?)*",
    r"()(?:[A-Za-z0-9+/=]{16,}(?:\s|\\n)+)*[A-Za-z0-9+/=]*\s*-----END [A-Z0-9 ]*PRIVATE KEY-----",
    r"()LS0tLS1CRUdJTi(?:BQUk|BS|BF|BP|BE)[A-Za-z0-9+/]{8,}={0,2}",
    // HTTP, JSON Web Tokens, kubeadm's bootstrap tokens, age, URLs with a password, password hashes.
    r#"(?i)(authorization\\?["']?\s*[:=]\s*\\?["']?(?:basic |bearer |token )?)[A-Za-z0-9._~+/=-]{6,}"#,
    r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{16,}",
    r"()eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
    r"()(?-u:\b)[a-z0-9]{6}\.[a-z0-9]{16}(?-u:\b)",
    r"(?i)()AGE-SECRET-KEY-[A-Z0-9-]+",
    r#"(://[^/\s:@"']*:)[^/\s@"']+(@)"#,
    r"()\$(?:[1567y]|2[aby])\$[./A-Za-z0-9$,=]{16,}",
    // Tokens of GitHub, GitLab, Slack and AWS.
    r"()(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16})",
    // Telling names: `password=`, `"token":`, `--certificate-key `. A bare `secret=` or `token:` is prose or an object's name.
    concat!(
        r#"(?i)((?:password|passwd|passphrase|api[_-]?key|private[_-]?key|access[_-]?key|access[_-]?token|refresh[_-]?token|client[_-]?secret|key-data)\\?["']?\s*[:=]\s*)"#,
        value!()
    ),
    concat!(r#"(?i)((?:token|certificate[_-]key|credentials?|[a-z0-9][_-]secret)\\?["']?=)"#, value!()),
    r#"(?i)(token\\?"\s*:\s*)(?:\\"[^"\\]*\\"|"(?:[^"\\]|\\.)*")"#,
    concat!(r"(?i)(--(?:[a-z0-9-]*-)?(?:password|token|secret|certificate-key|passphrase)[ \t]+)", value!()),
];

/// A rule that does not compile would let secrets pass; a test counts them.
static PATTERNS: LazyLock<Vec<Regex>> =
    LazyLock::new(|| RULES.iter().filter_map(|rule| Regex::new(rule).ok()).collect());

/// Masks texts.
pub struct Mask {
    known: Search,
}

impl Mask {
    /// What is registered later is not masked.
    pub fn new(secrets: &Secrets) -> Self {
        Self { known: secrets.search() }
    }

    /// Masks a file. JSON is masked string by string: no rule reaches from one into another.
    pub fn content(&self, content: Content) -> String {
        match content {
            Content::Text(text) => self.mask(&text),
            Content::Json(value) => self.known.mask(&format!("{:#}\n", self.value(value))),
            Content::Lines(values) => {
                let lines: String = values.into_iter().map(|value| format!("{}\n", self.value(value))).collect();
                self.known.mask(&lines)
            }
        }
    }

    fn value(&self, mut value: Value) -> Value {
        object::show(&mut value, &|text| self.mask(text));
        value
    }

    pub fn mask(&self, text: &str) -> String {
        let mut text = self.known.mask(text);
        for pattern in PATTERNS.iter() {
            if let std::borrow::Cow::Owned(replaced) = pattern.replace_all(&text, masked) {
                text = replaced;
            }
        }
        text
    }
}

/// What stands in the place of a match.
fn masked(found: &Captures<'_>) -> String {
    let group = |number| found.get(number).map_or("", |group| group.as_str());
    let (before, after) = (group(1), group(2));
    let secret = &found[0][before.len()..];
    let around = |quote: &&str| secret.len() > quote.len() && secret.starts_with(quote) && secret.ends_with(quote);
    // JSON stays JSON.
    let quote = ["\\\"", "\"", "'"].into_iter().find(around).unwrap_or_default();
    format!("{before}{quote}{MASK}{quote}{after}")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn masked(text: &str) -> String {
        Mask::new(&Secrets::default()).mask(text)
    }

    #[test]
    fn every_rule_compiles() {
        assert_eq!(PATTERNS.len(), RULES.len());
    }

    #[test]
    fn private_keys_go_whole_or_cut() {
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
        for kind in ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA "] {
            let whole = format!("-----BEGIN {kind}PRIVATE KEY-----\n{line}\nq8f=\n-----END {kind}PRIVATE KEY-----");
            assert_eq!(masked(&format!("a\n{whole}\nb")), "a\n********\nb");
            let quoted = whole.replace('\n', "\\n");
            assert_eq!(masked(&format!("{{\"k\":\"{quoted}\"}}")), "{\"k\":\"********\"}");
            let logged = whole.replace('\n', "\nNov 23 12:00:00 cp sh[1]: ");
            assert_eq!(masked(&logged), "********");
            let begun = format!("-----BEGIN {kind}PRIVATE KEY-----\n{line}\n{line}\nthen a line\n");
            assert_eq!(masked(&begun), "********then a line\n");
            let ended = format!("a line\n{line}\nq8f=\n-----END {kind}PRIVATE KEY-----\n");
            assert_eq!(masked(&ended), "a line\n********\n");
            let encoded = STANDARD.encode(&whole);
            assert_eq!(masked(&format!("client: {encoded}")), "client: ********", "{kind}");
        }
        let certificate = format!("-----BEGIN CERTIFICATE-----\n{line}\n-----END CERTIFICATE-----\n");
        assert_eq!(masked(&certificate), certificate);
        assert_eq!(masked(&STANDARD.encode(&certificate)), STANDARD.encode(&certificate));
    }

    #[test]
    fn what_looks_like_a_secret_is_masked_and_what_tells_the_cause_stays() {
        let cases = [
            ("authorization: Bearer abcdefgh", "authorization: Bearer ********"),
            ("\"Authorization\":\"Basic dXNlcjpwYXNz\"", "\"Authorization\":\"Basic ********\""),
            ("sent bearer 0123456789abcdef01", "sent bearer ********"),
            ("jwt eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJl.c2ln end", "jwt ******** end"),
            ("kubeadm join --token abcdef.0123456789abcdef", "kubeadm join --token ********"),
            ("token abcdef.0123456789abcdef is used", "token ******** is used"),
            ("AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", "********"),
            ("https://user:hunter2@example.com/x.git", "https://user:********@example.com/x.git"),
            ("seed:$6$rounds=4096$abcdefgh$ijklmnop:19000", "seed:********:19000"),
            ("GITHUB_TOKEN=ghp_abcdefghijklmnopqrstuvwxyz", "GITHUB_TOKEN=********"),
            ("password: hunter2", "password: ********"),
            ("DB_PASSWORD='two words' next", "DB_PASSWORD='********' next"),
            ("{\"adminPassword\":\"two words\",\"a\":1}", "{\"adminPassword\":\"********\",\"a\":1}"),
            ("msg=\"got {\\\"password\\\":\\\"two words\\\"}\"", "msg=\"got {\\\"password\\\":\\\"********\\\"}\""),
            ("{\"token\":\"abc def\"}", "{\"token\":\"********\"}"),
            ("client-key-data: QUJDREVGR0g=", "client-key-data: ********"),
            ("kubeadm init --certificate-key 0123abcd", "kubeadm init --certificate-key ********"),
            ("--client-secret=s3cret --v=2", "--client-secret=******** --v=2"),
        ];
        for (text, expected) in cases {
            assert_eq!(masked(text), expected);
        }
        for cause in [
            "Error: container has runAsNonRoot and image will run as root (pod: \"web_apps(1b2c)\")",
            "MountVolume.SetUp failed for volume \"x\" : secret \"registry-pull\" not found",
            "E1123 kubelet.go:2] \"Failed\" secret=\"flux-system/flux-system\" err=\"no token: context deadline\"",
            "failed to get API group resources: Get \"https://10.96.0.1:443/api?timeout=32s\": dial tcp",
            "unable to clone 'ssh://git@10.77.1.10/srv/git/e2e.git': ssh: handshake failed",
            "Kustomization/flux-system/apps: dependency 'flux-system/infrastructure' is not ready",
            "main@sha1:0123456789abcdef0123456789abcdef01234567",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmZp7Qm3WkXyqVfHhUv8yQm0r7m3mJ5C1bGqk2Z9vYp",
            "image \"ghcr.io/a/b@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
            "--service-account-private-key-file=/etc/kubernetes/pki/sa.key",
            "{\"imagePullSecrets\":[{\"name\":\"pull\"}],\"automountServiceAccountToken\":true}",
        ] {
            assert_eq!(masked(cause), cause);
        }
    }
}
