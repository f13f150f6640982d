//! Secrets of every kind, planted where a diagnosis looks, and the search for them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use seedbed::identity::Identity;

/// What the environment of the workstation holds under the name that the spec gives.
pub const TOKEN: &str = "river-lantern-cobalt-17";
/// What a variable that the spec does not name holds.
pub const OTHER_TOKEN: &str = "meadow-anchor-violet-23";
/// What only a Secret of the cluster holds: it looks like nothing.
pub const IN_CLUSTER: &str = "correct horse battery staple";

/// Secrets that nobody has registered, each in a line as programs write it.
const STRANGERS: [(&str, &str); 9] = [
    ("request header: Authorization: Bearer {}", "c3RyYW5nZXItYmVhcmVyLXRva2Vu"),
    ("jwt {} was refused", "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl"),
    ("kubeadm join 10.0.0.1:6443 --token {} --discovery-token-unsafe-skip-ca-verification", "q7w2e9.r4t5y6u7i8o9p0a1"),
    ("the token {} has expired", "z1x2c3.v4b5n6m7a8s9d0f1"),
    ("key: {}", "AGE-SECRET-KEY-1QL3Z7HJY54PW3HYWW5AYYFG7ZQGVC7W3J2ELW8ZMRJ2KG5SFN9AQMCAC8P"),
    ("cloning https://robot:{}@git.example.org/x.git", "dolphin-umbrella"),
    ("DB_PASSWORD={} ./start", "turquoise-giraffe"),
    (r#"{"level":"info","adminPassword":"{}"}"#, "two words of a password"),
    ("pushing with {}", "ghp_0123456789abcdefghijABCDEFGHIJ456789"),
];

/// A key that is no key of the cluster.
const STRANGE_KEY: &str = "-----BEGIN EC PRIVATE KEY-----\n\
    MHcCAQEEIPlantedPlantedPlantedPlantedPlantedPlantedPlantedPlanted\n\
    oAoGCCqGSM49AwEHoUQDQgAEPlantedPlantedPlanted==\n\
    -----END EC PRIVATE KEY-----\n";

/// Everything that may not be found.
pub struct Planted {
    needles: Vec<String>,
    /// What is planted, each secret in every shape.
    pub parts: Vec<String>,
    /// All of it, to be written into each source.
    pub text: String,
}

impl Planted {
    /// The private parts of an identity and of other keys, with what strangers may bring.
    pub fn of(identity: &Identity, keys: &[&str]) -> Self {
        let identity = serde_json::to_value(identity).unwrap();
        let mut secrets = Vec::new();
        private(&identity, &mut secrets);
        assert!(secrets.len() >= 10, "the identity holds {} private parts", secrets.len());
        secrets.extend(keys.iter().map(|key| (*key).to_owned()));
        secrets.extend([TOKEN, OTHER_TOKEN, IN_CLUSTER, STRANGE_KEY].map(str::to_owned));
        Self::written(secrets, &STRANGERS)
    }

    /// Only these.
    pub fn only(secrets: &[&str]) -> Self {
        Self::written(secrets.iter().map(|secret| (*secret).to_owned()).collect(), &[])
    }

    fn written(mut secrets: Vec<String>, strangers: &[(&str, &str)]) -> Self {
        let mut parts = Vec::new();
        for secret in &secrets {
            // As it is, as the kubeconfig has it, and as JSON has it.
            parts.push(format!("plain\n{}\n", secret.trim_end()));
            parts.push(format!("encoded {}\n", STANDARD.encode(secret)));
            parts.push(format!("quoted {}\n", serde_json::json!({"content": secret})));
        }
        for (line, secret) in strangers {
            parts.push(format!("{}\n", line.replace("{}", secret)));
            secrets.push((*secret).to_owned());
        }
        let lines = |secret: &String| secret.lines().map(str::trim).map(str::to_owned).collect::<Vec<_>>();
        let encoded = secrets.iter().map(|secret| STANDARD.encode(secret));
        let needles = secrets.iter().flat_map(lines).chain(encoded);
        let needles = needles.filter(|line| line.len() >= 8 && !line.starts_with("-----")).collect();
        Self { needles, text: parts.concat(), parts }
    }

    /// The secrets that a text holds.
    pub fn found_in<'a>(&'a self, text: &str) -> Vec<&'a str> {
        self.needles.iter().map(String::as_str).filter(|needle| text.contains(needle)).collect()
    }
}

/// The texts under names that say that they are private.
fn private(value: &serde_json::Value, found: &mut Vec<String>) {
    let serde_json::Value::Object(fields) = value else { return };
    for (name, value) in fields {
        match value.as_str() {
            Some(text) if ["private", "key", "encryption"].contains(&name.as_str()) => found.push(text.to_owned()),
            _ => private(value, found),
        }
    }
}

/// The files of an archive by their names, without the directory that they all lie in; the first one's name apart.
pub fn unpack(archive: &Path) -> (String, BTreeMap<String, String>) {
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(archive).unwrap()));
    let (mut first, mut files) = (None, BTreeMap::new());
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let (_, name) = path.split_once('/').unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        first.get_or_insert_with(|| name.to_owned());
        files.insert(name.to_owned(), text);
    }
    (first.unwrap(), files)
}
