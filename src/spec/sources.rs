//! Whether what secrets are read from is there: looked at before anything is made, and read by nobody yet.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use engine::failure::Failure;

use super::cluster::SecretSource;
use super::problems::{MaybeHint as _, did_you_mean};

/// Whether the sources of secrets are looked at: they are on the workstation that runs `up`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    Check,
    Leave,
}

/// What keeps a source from being read.
pub(super) fn check(source: &SecretSource) -> Option<Failure> {
    match source {
        SecretSource::Environment(name) => environment(name),
        SecretSource::File(path) => file(path),
        SecretSource::Command(words) => words.first().and_then(|program| command(program)),
    }
}

fn environment(name: &str) -> Option<Failure> {
    let what = match std::env::var_os(name) {
        None => format!("the environment variable {name} is not set"),
        Some(value) if value.is_empty() => format!("the environment variable {name} is empty"),
        Some(_) => return None,
    };
    let names: Vec<String> = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    let near = did_you_mean(name, names.iter().map(String::as_str)).filter(|hint| hint.starts_with("Did"));
    Some(Failure::invalid(what).maybe_hint(near).hint(format!("Export {name} with the secret's value.")))
}

fn file(path: &Path) -> Option<Failure> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        Failure::invalid(format!("the secret's file {shown} cannot be read"))
            .cause(error)
            .hint("Relative paths start from the spec's directory.")
    };
    let found = match std::fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(found) => found,
        Err(error) => return Some(unreadable(error)),
    };
    let wrong = |what: &str| {
        Some(Failure::invalid(format!("the secret's file {shown} {what}")).hint("Name a file with the value."))
    };
    if found.is_dir() {
        wrong("is a directory")
    } else if found.is_file() && found.len() == 0 {
        wrong("is empty")
    } else {
        None
    }
}

fn command(program: &str) -> Option<Failure> {
    if let Some((directory, _)) = program.rsplit_once('/') {
        let path = Path::new(program);
        let what = match path.metadata() {
            Err(error) => format!("the secret's command {program} cannot be run: {error}"),
            Ok(_) if !is_executable(path) => format!("the secret's command {program} is not executable"),
            Ok(_) => return None,
        };
        return Some(Failure::invalid(what).hint(format!("Look into {directory}; a script needs `chmod +x`.")));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|directory: PathBuf| directory.join(program)).any(|path| is_executable(&path));
    (!found).then(|| {
        Failure::invalid(format!("the secret's command {program} is not in PATH"))
            .hint(format!("Install {program}, or write its whole path; there is no shell between."))
    })
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
