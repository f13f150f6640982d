//! The user's secrets: read on this workstation, and given to nobody but the cluster's API.
//!
//! Nothing here writes a value to a file, an argument or an event.

use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::event::{Secrets as Masks, Step};
use engine::failure::{Failure, Result};
use serde_json::{Map, Value, json};
use tokio::process::Command;

use crate::flux;
use crate::spec::{Cluster, Gitops, Secret, SecretSource};

/// A password manager may ask for a touch of a key.
const PATIENCE: Duration = Duration::from_secs(120);
/// What the API takes in one Secret.
const MOST: usize = 1 << 20;

/// Namespaces and Secrets as the API takes them; `Debug` shows no value.
#[derive(Clone, Default)]
pub struct Secrets(pub Vec<Value>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|object| &object["metadata"]["name"])).finish()
    }
}

impl Secrets {
    /// Reads every value, masks it from then on, and reports all that cannot be read at once.
    pub async fn read(cluster: &Cluster, step: &Step) -> Result<Self, Vec<Failure>> {
        let Some(gitops) = cluster.gitops.as_ref().filter(|gitops| !gitops.secrets.is_empty()) else {
            return Ok(Self::default());
        };
        let reading = step.child("read secrets");
        let (mut objects, mut failures) = (namespaces(gitops), Vec::new());
        for secret in &gitops.secrets {
            let decrypts = is_decryption(gitops, secret);
            match read(secret, decrypts, &cluster.directory, step.events().secrets()).await {
                Ok(object) => objects.push(object),
                Err(mut found) => failures.append(&mut found),
            }
        }
        match failures.first() {
            None => reading.finish(false),
            Some(failure) => reading.fail(failure),
        }
        if failures.is_empty() { Ok(Self(objects)) } else { Err(failures) }
    }
}

/// Masks what the spec's secrets hold, as far as that can be told without running the commands of some.
///
/// What cannot be read cannot be shown either.
pub fn mask_at_hand(cluster: &Cluster, masks: &Masks) {
    let secrets = cluster.gitops.iter().flat_map(|gitops| &gitops.secrets);
    for source in secrets.flat_map(|secret| secret.data.values()) {
        let value = match source {
            SecretSource::Environment(variable) => std::env::var_os(variable).map(OsStringExt::into_vec),
            // A pipe would keep its reader waiting, and what is larger was never taken.
            SecretSource::File(path) => {
                let fits = std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() <= MOST as u64);
                if fits { std::fs::read(path).ok() } else { None }
            }
            SecretSource::Command(_) => None,
        };
        if let Some(value) = value {
            mask(&value, masks);
        }
    }
}

fn is_decryption(gitops: &Gitops, secret: &Secret) -> bool {
    secret.namespace == flux::NAMESPACE && gitops.decryption.as_ref() == Some(&secret.name)
}

/// Those that nobody else has made yet. Flux's own is made with Flux.
fn namespaces(gitops: &Gitops) -> Vec<Value> {
    let mut names: Vec<&str> = gitops.secrets.iter().map(|secret| secret.namespace.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let named = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    names.into_iter().filter(|name| *name != flux::NAMESPACE).map(named).collect()
}

async fn read(secret: &Secret, decrypts: bool, directory: &Path, masks: &Masks) -> Result<Value, Vec<Failure>> {
    let (mut data, mut failures, mut size) = (Map::new(), Vec::new(), 0);
    for (key, source) in &secret.data {
        let name = format!("{key} of the secret {}/{}", secret.namespace, secret.name);
        let value = value(source, &name, directory).await.and_then(|value| {
            mask(&value, masks);
            check(&value, key, decrypts, &name).map(|()| value)
        });
        match value {
            Ok(value) => {
                size += value.len();
                data.insert(key.clone(), json!(STANDARD.encode(value)));
            }
            Err(failure) => failures.push(failure),
        }
    }
    if size > MOST {
        let what = format!("the secret {}/{} has {size} bytes", secret.namespace, secret.name);
        failures.push(Failure::invalid(what).cause(format!("the API takes {MOST} at most")).hint("Split it."));
    }
    if !failures.is_empty() {
        return Err(failures);
    }
    Ok(json!({
        "apiVersion": "v1", "kind": "Secret", "type": secret.kind,
        "metadata": {"name": secret.name, "namespace": secret.namespace, "labels": {
            "app.kubernetes.io/managed-by": "seedbed", flux::SECRET: "true",
        }},
        "data": data,
    }))
}

async fn value(source: &SecretSource, name: &str, directory: &Path) -> Result<Vec<u8>> {
    match source {
        SecretSource::Environment(variable) => {
            let value = std::env::var_os(variable).ok_or_else(|| {
                Failure::invalid(format!("{name} cannot be read"))
                    .cause(format!("the environment variable {variable} is not set"))
                    .hint(format!("Export {variable}."))
            })?;
            Ok(value.into_vec())
        }
        SecretSource::File(path) => std::fs::read(path).map_err(|error| {
            let failure = Failure::invalid(format!("{name} cannot be read from {}", path.display())).because(&error);
            failure.hint("Mend the file, or name another in gitops.secrets.")
        }),
        SecretSource::Command(words) => output(words, name, directory).await,
    }
}

/// A command's output without its final newline, as a shell's `$(...)` gives it.
async fn output(words: &[String], name: &str, directory: &Path) -> Result<Vec<u8>> {
    let [program, arguments @ ..] = words else { return Ok(Vec::new()) };
    let failed = |cause: String| {
        Failure::refused(format!("{name} cannot be read: {program} failed"))
            .cause(cause)
            .hint("Run the command of gitops.secrets by hand to see why.")
    };
    // The command runs in the spec's directory; its own path starts from where seedbed runs.
    let path = if program.contains('/') { std::path::absolute(program).ok() } else { None };
    let mut command = Command::new(path.as_deref().unwrap_or(Path::new(program)));
    command.args(arguments).current_dir(directory).stdin(Stdio::null()).process_group(0).kill_on_drop(true);
    let ran = tokio::time::timeout(PATIENCE, command.output()).await;
    let ran = ran.map_err(|_| failed(format!("it did not end within {} s", PATIENCE.as_secs())))?;
    let ran = ran.map_err(|error| failed(error.to_string()))?;
    if !ran.status.success() {
        // Only what it says of the failure: its output may be a part of the secret.
        let talk = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
        let failure = failed(ran.status.to_string());
        return Err(if talk.is_empty() { failure } else { failure.evidence(talk) });
    }
    let mut value = ran.stdout;
    if value.last() == Some(&b'\n') {
        value.pop();
    }
    Ok(value)
}

/// What the API or Flux would refuse only after the cluster was made.
fn check(value: &[u8], key: &str, decrypts: bool, name: &str) -> Result<()> {
    if value.is_empty() {
        return Err(Failure::invalid(format!("{name} is empty")).hint("Look at what it is read from."));
    }
    if key == ".dockerconfigjson" && serde_json::from_slice::<Value>(value).is_err() {
        let failure = Failure::invalid(format!("{name} is not JSON"));
        return Err(failure.hint("Take the file that `docker login` writes: ~/.docker/config.json."));
    }
    let is_age = || String::from_utf8_lossy(value).lines().any(|line| line.trim().starts_with("AGE-SECRET-KEY-"));
    if decrypts && key.ends_with(".agekey") && !is_age() {
        return Err(Failure::invalid(format!("{name} holds no age key"))
            .cause("no line begins with AGE-SECRET-KEY-")
            .hint("Take the file that `age-keygen` writes, the whole of it."));
    }
    Ok(())
}

/// Masks a value: as text, in base64, and the passwords within a Docker configuration.
fn mask(value: &[u8], masks: &Masks) {
    match std::str::from_utf8(value) {
        Ok(text) => masks.register(text),
        Err(_) => masks.register(&STANDARD.encode(value)),
    }
    if let Ok(Value::Object(document)) = serde_json::from_slice(value) {
        let auths = document.get("auths").and_then(Value::as_object);
        let fields = auths.into_iter().flat_map(|auths| auths.values().filter_map(Value::as_object)).flatten();
        let hidden = fields.filter(|(name, _)| *name != "username" && *name != "email");
        hidden.filter_map(|(_, value)| value.as_str()).for_each(|text| masks.register(text));
    }
}
