//! Secrets, and what decrypts the repository.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine::failure::Failure;

use super::{Context, Sourced, expand_home};
use crate::spec::cluster::{Secret, SecretSource};
use crate::spec::problems::{MaybeHint as _, did_you_mean};
use crate::spec::raw;
use crate::spec::read::Placed;

/// Where Flux runs, and looks for what decrypts.
const FLUX: &str = "flux-system";
const OPAQUE: &str = "Opaque";

/// What seedbed itself makes in Flux's namespace.
const OWN: [&str; 2] = ["flux-system", "webhook-token"];

/// The keys that the API wants in a Secret of a type, as alternatives.
const WANTED: [(&str, &[&str]); 5] = [
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
    ("kubernetes.io/dockercfg", &[".dockercfg"]),
    ("kubernetes.io/basic-auth", &["username", "password"]),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"]),
    ("kubernetes.io/tls", &["tls.crt", "tls.key"]),
];

pub fn convert(written: Option<&Placed<Vec<Placed<raw::Secret>>>>, context: &mut Context<'_, '_>) -> Vec<Secret> {
    let mut secrets: Vec<Secret> = Vec::new();
    for placed in written.map(|list| list.value.as_slice()).unwrap_or_default() {
        let secret = one(placed, context);
        let same = |other: &Secret| other.name == secret.name && other.namespace == secret.namespace;
        if secrets.iter().any(same) {
            let failure = Failure::invalid(format!("the secret {}/{} is here twice", secret.namespace, secret.name));
            context.invalid(placed.span, failure.hint("Write its keys into one `data`."));
        } else if secret.namespace == FLUX && OWN.contains(&secret.name.as_str()) {
            let failure = Failure::invalid(format!("the secret {FLUX}/{} is seedbed's own", secret.name));
            context.invalid(placed.span, failure.hint("Choose another name; `host.credentials` opens the Git host."));
        }
        secrets.push(secret);
    }
    secrets
}

fn one(written: &Placed<raw::Secret>, context: &mut Context<'_, '_>) -> Secret {
    context.required(&written.given, "name", written.span, "the secret");
    context.required(&written.given, "data", written.span, "the secret");
    if let Some(name) = written.name.as_ref().filter(|name| !is_name(name)) {
        let failure = Failure::invalid(format!("`{}` is no name of a Secret", name.value));
        context.invalid(name.span, failure.hint("Use lower-case letters, digits, hyphens and dots, as in `sops-age`."));
    }
    let data = data(written.data.as_ref().map(|data| data.value.0.as_slice()).unwrap_or_default(), context);
    let kind = written.r#type.as_ref();
    if let (Some(kind), Some(placed)) = (kind, &written.data) {
        check_type(kind, &data, placed.span, context);
    } else if let Some(empty) = written.data.as_ref().filter(|written| written.value.0.is_empty()) {
        context.invalid(empty.span, Failure::invalid("the secret has no keys").hint("Write `KEY: {env: NAME}`."));
    }
    Secret {
        name: written.name.as_ref().map(|name| name.value.clone()).unwrap_or_default(),
        namespace: written.namespace.as_ref().map_or_else(|| FLUX.into(), |label| label.0.clone()),
        kind: kind.map_or_else(|| OPAQUE.into(), |kind| kind.value.clone()),
        data,
    }
}

/// What the API would refuse only after the cluster was made.
fn check_type(
    kind: &Placed<String>,
    data: &BTreeMap<String, SecretSource>,
    span: crate::spec::tree::Span,
    context: &mut Context<'_, '_>,
) {
    let Some((_, wanted)) = WANTED.iter().find(|(name, _)| *name == kind.value) else { return };
    let missing: Vec<&str> = wanted.iter().filter(|key| !data.contains_key(**key)).copied().collect();
    // A user without a password is as good as a password without a user.
    let enough = kind.value.ends_with("/basic-auth") && missing.len() < wanted.len();
    if !missing.is_empty() && !enough {
        let what = format!("a secret of type {} needs the key `{}`", kind.value, missing.join("` and the key `"));
        context.invalid(span, Failure::invalid(what).hint(format!("Write `{}: {{file: PATH}}`.", missing[0])));
    }
}

fn data(
    written: &[(Placed<String>, Placed<raw::SecretSource>)],
    context: &mut Context<'_, '_>,
) -> BTreeMap<String, SecretSource> {
    let mut data = BTreeMap::new();
    for (key, value) in written {
        if !is_key(key) {
            let failure = Failure::invalid(format!("`{}` is no key of a Secret", key.value));
            context.invalid(key.span, failure.hint("Use letters, digits, hyphens, dots and underscores."));
        }
        if let Some(source) = source(value, context) {
            data.insert(key.value.clone(), source);
        }
    }
    data
}

fn source(written: &Placed<raw::SecretSource>, context: &mut Context<'_, '_>) -> Option<SecretSource> {
    let (span, source) = match (&written.env, &written.file, &written.command) {
        (Some(name), None, None) => (name.span, SecretSource::Environment(name.value.clone())),
        (None, Some(file), None) => (file.span, SecretSource::File(path(file, context))),
        (None, None, Some(command)) if !command.value.is_empty() => {
            let mut words: Vec<String> = command.iter().map(|word| word.value.clone()).collect();
            // A path starts from the spec's directory, like every other; a bare name is looked for in PATH.
            if words[0].contains('/') {
                words[0] = path(&words[0], context).to_string_lossy().into_owned();
            }
            (command.value[0].span, SecretSource::Command(words))
        }
        // What was of the wrong type has been told of.
        (None, None, None) if !written.given.is_empty() => return None,
        _ => {
            let failure = Failure::invalid("a value is read from one source: `env`, `file` or `command`");
            context.invalid(
                written.span,
                failure.hint("For example `{env: NAME}`, `{file: PATH}` or `{command: [pass, show, NAME]}`."),
            );
            return None;
        }
    };
    context.sources.push(Sourced { span, source: source.clone() });
    Some(source)
}

fn path(written: &str, context: &Context<'_, '_>) -> PathBuf {
    context.directory.join(expand_home(written.strip_prefix("./").unwrap_or(written)))
}

/// The Secret that decrypts must be among those that are made, and hold what Flux looks for.
pub fn decryption(written: &Placed<raw::Gitops>, secrets: &[Secret], context: &mut Context<'_, '_>) -> Option<String> {
    let decryption = written.decryption.as_ref()?;
    context.required(&decryption.given, "secret", decryption.span, "`decryption`");
    let name = decryption.secret.as_ref()?;
    let of_flux = || secrets.iter().filter(|secret| secret.namespace == FLUX);
    match of_flux().find(|secret| secret.name == name.value) {
        None => {
            let failure = Failure::invalid(format!("there is no secret `{}` in {FLUX}", name.value))
                .maybe_hint(did_you_mean(name, of_flux().map(|secret| secret.name.as_str())))
                .hint("List it: `gitops.secrets: [{name: sops-age, data: {age.agekey: {file: PATH}}}]`.");
            context.invalid(name.span, failure);
        }
        Some(secret) if !secret.data.keys().any(|key| key.ends_with(".agekey")) => {
            let failure = Failure::invalid(format!("the secret `{}` has no key that ends with .agekey", name.value));
            context.invalid(
                name.span,
                failure.hint("Flux takes age keys from such keys only: `age.agekey: {file: PATH}`."),
            );
        }
        Some(_) => {}
    }
    Some(name.value.clone())
}

/// A DNS subdomain (RFC 1123).
fn is_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(crate::spec::value::is_label)
}

fn is_key(key: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    (1..=253).contains(&key.len()) && key.chars().all(inner) && key != "." && !key.starts_with("..")
}
