//! `copy`: puts a file on a host.

use std::path::{Path, PathBuf};

use super::arg::{Argument, Flag, Given, Mode, RemotePath, arguments};
use super::attributes::Wanted;
use super::{Diff, Outcome, access};
use crate::digest;
use crate::failure::{Failure, Result};
use crate::host::{Attributes, Change, Command, FileKind, HostView, Stat, of_file};

/// Bytes of a file: text, or a list or map, which become JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(pub Vec<u8>);

impl std::fmt::Debug for Content {
    /// Shows no bytes: they may be a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

impl Argument for Content {
    fn kind() -> String {
        "text, or a value that becomes JSON".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, String> {
        if given.value.is_array() || given.value.is_object() {
            return Ok(Self(given.value.to_string().into_bytes()));
        }
        String::read(given).map(|text| Self(text.into_bytes()))
    }
}

arguments! {
    /// Arguments of `copy`.
    Args {
        /// Where the file goes; a directory if it ends with a slash.
        dest: RemotePath,
        /// What the file holds.
        content: Option<Content>,
        /// A file beside the playbook or in `files/`, or on the host with `remote_src`.
        src: Option<String>,
        /// Whether `src` is on the host.
        remote_src: Flag = Flag(false),
        /// The owner's name.
        owner: Option<String>,
        /// The group's name.
        group: Option<String>,
        /// The file's mode.
        mode: Option<Mode>,
        /// Whether a file that differs is replaced.
        force: Flag = Flag(true),
        /// Whether a file that is replaced is kept beside it.
        backup: Flag = Flag(false),
        /// A command that must accept the file before it takes its place; `%s` is its path.
        validate: Option<String>,
        /// Accepted for Ansible's sake; parent directories get no mode of their own.
        directory_mode: Option<Mode>,
        /// Accepted for Ansible's sake; a link at `dest` is replaced.
        follow: Flag = Flag(false),
    } with {
        /// A file of the workstation, streamed: it may be large.
        source: Option<PathBuf>,
    }
}

/// What a file is to hold.
enum Source {
    Bytes(Vec<u8>),
    File(PathBuf),
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let dest = destination(args, host).await?;
    let (source, sha256) = match (&args.content, &args.source, &args.src) {
        (Some(content), ..) => (Source::Bytes(content.0.clone()), digest::of_bytes(&content.0)),
        (None, Some(file), _) => (Source::File(file.clone()), of_file(file).await?.0),
        (None, None, Some(src)) if args.remote_src.0 => {
            let content = host.read(src.as_str()).await?;
            let content = content.ok_or_else(|| Failure::step(format!("{src} does not exist on the host")))?;
            let sha256 = digest::of_bytes(&content);
            (Source::Bytes(content), sha256)
        }
        _ => return Err(Failure::step("there is nothing to copy").hint("give `content` or `src`")),
    };
    place(args, &dest, source, &sha256, host).await
}

/// The file's own path, where `dest` is a directory.
async fn destination(args: &Args, host: &mut HostView<'_>) -> Result<String> {
    let dest = access::absolute(host, &args.dest).await?;
    let name = args.src.as_deref().and_then(|src| Path::new(src).file_name()).and_then(|name| name.to_str());
    if args.dest.ends_with('/') {
        let name = name.ok_or_else(|| Failure::step(format!("{dest} is a directory; name the file in it")))?;
        return Ok(format!("{}/{name}", dest.trim_end_matches('/')));
    }
    match (name, access::followed(host, &dest).await?) {
        (Some(name), Some(Stat { kind: FileKind::Directory, .. })) => Ok(format!("{dest}/{name}")),
        _ => Ok(dest),
    }
}

async fn place(args: &Args, dest: &str, source: Source, sha256: &str, host: &mut HostView<'_>) -> Result<Outcome> {
    let there = host.stat(dest).await?;
    let wanted = Wanted { owner: args.owner.as_ref(), group: args.group.as_ref(), mode: args.mode.as_ref() };
    let outcome = Outcome::changed(true).with("dest", dest).with("checksum", sha256);
    match &there {
        Some(stat) if stat.kind == FileKind::Directory => {
            return Err(Failure::step(format!("{dest} is a directory")).hint("end `dest` with a file's name"));
        }
        Some(stat) if !args.force.0 || stat.sha256.as_deref() == Some(sha256) => {
            let Some(attributes) = wanted.missing(stat).filter(|_| stat.kind == FileKind::File) else {
                return Ok(Outcome { changed: false, ..outcome });
            };
            host.apply(Change::Attributes { path: dest.to_owned(), attributes, recurse: false }).await?;
            return Ok(outcome);
        }
        Some(_) => {}
        None => parent(dest, host).await?,
    }
    if let (true, Some(stat)) = (args.backup.0, &there) {
        let kept = format!("{dest}.{}~", stat.modified);
        access::must(host, Command::argv(["cp", "-p", dest, &kept])).await?;
    }
    let attributes = wanted.of_new(there.as_ref().map_or(0o644, |stat| stat.mode), false);
    let path = dest.to_owned();
    match source {
        Source::File(source) => {
            host.apply(Change::Send { path, source, attributes }).await?;
            Ok(outcome)
        }
        Source::Bytes(content) => {
            let before = if there.is_some() { host.read(dest).await?.unwrap_or_default() } else { Vec::new() };
            let diff = Diff::of(dest, &before, &content);
            if let Some(validate) = &args.validate {
                accepted(validate, dest, &content, host).await?;
            }
            host.apply(Change::Write { path, content, attributes }).await?;
            Ok(outcome.diff(diff))
        }
    }
}

/// Makes the directory in which a file goes; Ansible would refuse instead.
async fn parent(dest: &str, host: &mut HostView<'_>) -> Result<()> {
    let parent = dest.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
    if access::followed(host, parent).await?.is_none() {
        host.apply(Change::Directory { path: parent.to_owned(), attributes: Attributes::default() }).await?;
    }
    Ok(())
}

/// Has a command look at the new content, which lies in a file beside the old one.
pub async fn accepted(validate: &str, dest: &str, content: &[u8], host: &mut HostView<'_>) -> Result<()> {
    if !validate.contains("%s") {
        return Err(Failure::step("`validate` holds no %s, the path of the file to look at"));
    }
    let path = format!("{dest}.validate");
    let private = Attributes { mode: Some(0o600), ..Attributes::default() };
    host.write(path.clone(), content, private).await?;
    let command = validate.replace("%s", &crate::host::quote(&path));
    let verdict = access::must(host, Command::shell(command)).await;
    host.apply(Change::Remove { path }).await?;
    verdict.map(drop).map_err(|failure| failure.hint(format!("{dest} stays as it was")))
}
