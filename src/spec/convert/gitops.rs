//! The gitops section.

use std::path::{Component, Path};

use engine::failure::Failure;
use url::Url;

use super::{Context, secrets};
use crate::spec::cluster::{Credentials, Dirty, GitHost, Gitops};
use crate::spec::raw;
use crate::spec::read::Placed;

const BRANCH: &str = "main";

pub fn convert(written: &Placed<raw::Gitops>, cluster: &str, context: &mut Context<'_, '_>) -> Gitops {
    context.required(&written.given, "source", written.span, "`gitops`");
    let secrets = secrets::convert(written.secrets.as_ref(), context);
    Gitops {
        source: written
            .source
            .as_ref()
            .map_or_else(|| context.directory.to_owned(), |source| context.path(source, "the repository", true)),
        branch: branch(written.branch.as_ref(), context),
        path: path(written.path.as_ref(), cluster, context),
        host: host(written.host.as_ref(), context),
        decryption: secrets::decryption(written, &secrets, context),
        secrets,
        dirty: written.dirty.as_ref().map_or(Dirty::Warn, |word| word.value.into()),
    }
}

fn branch(written: Option<&Placed<String>>, context: &mut Context<'_, '_>) -> String {
    let Some(branch) = written else { return BRANCH.into() };
    if !is_branch(branch) {
        let failure = Failure::invalid(format!("`{}` is no name of a branch", branch.value));
        context.invalid(branch.span, failure.hint("See `git help check-ref-format`."));
    }
    branch.value.clone()
}

/// The rules of git-check-ref-format(1) for a branch.
fn is_branch(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && Path::new(part).extension().is_none_or(|end| end != "lock")
    };
    let forbidden = |c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c);
    !name.starts_with('-')
        && name != "@"
        && name != "HEAD"
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(forbidden)
        && name.split('/').all(part)
}

/// The path without `./` and a final slash.
fn path(written: Option<&Placed<String>>, cluster: &str, context: &mut Context<'_, '_>) -> String {
    let Some(path) = written else { return format!("clusters/{cluster}") };
    let mut parts = Vec::new();
    for component in Path::new(&path.value).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::CurDir => {}
            _ => {
                let failure = Failure::invalid(format!("`{}` is no path within the repository", path.value));
                context.invalid(path.span, failure.hint("Write it from the repository's root: clusters/quickstart."));
                break;
            }
        }
    }
    if parts.is_empty() { ".".into() } else { parts.join("/") }
}

fn host(written: Option<&Placed<raw::Host>>, context: &mut Context<'_, '_>) -> GitHost {
    let Some(host) = written else { return GitHost::Embedded };
    let raw::Host::Url(there) = &host.value else { return GitHost::Embedded };
    context.required(&there.given, "url", host.span, "`host`");
    let Some(url) = &there.url else { return GitHost::Embedded };
    if let Err(failure) = check_url(url) {
        context.invalid(url.span, failure);
    }
    let credentials = there.credentials.as_ref().and_then(|written| credentials(written, context));
    GitHost::Url { url: url.value.clone(), credentials }
}

fn check_url(url: &str) -> Result<(), Failure> {
    let wrong = |what: String| Failure::invalid(what).hint("Write ssh://git@host/path.git or https://host/path.git.");
    let Ok(parsed) = Url::parse(url) else {
        let failure = wrong(format!("`{url}` is no URL"));
        return Err(match url.split_once(':') {
            Some((host, path)) if host.contains('@') => {
                failure.hint(format!("In this case: ssh://{host}/{}.", path.trim_start_matches('/')))
            }
            _ => failure,
        });
    };
    if !["ssh", "https"].contains(&parsed.scheme()) {
        return Err(wrong(format!("`{}` is not a way to a repository that Flux and seedbed share", parsed.scheme())));
    }
    if parsed.password().is_some() {
        // The URL is not repeated: it holds a secret.
        return Err(Failure::invalid("the URL holds a password")
            .hint("Write it into a file or an environment variable: `credentials: {env: NAME}`."));
    }
    Ok(())
}

fn credentials(written: &Placed<raw::Credentials>, context: &mut Context<'_, '_>) -> Option<Credentials> {
    match (&written.env, &written.file) {
        (Some(name), None) => Some(Credentials::Environment(name.value.clone())),
        (None, Some(file)) => Some(Credentials::File(context.path(file, "the credential", false))),
        _ => {
            let failure = Failure::invalid("`credentials` names one source: `env` or `file`");
            context.invalid(written.span, failure.hint("For example `credentials: {env: GIT_TOKEN}`."));
            None
        }
    }
}
