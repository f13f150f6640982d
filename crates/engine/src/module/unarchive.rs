//! `unarchive`: unpacks a tar archive.

use super::arg::{Flag, Mode, OneOrMany, RemotePath, arguments};
use super::{Content, Outcome, access};
use crate::failure::{Failure, Result};
use crate::host::{Change, Command, FileKind, HostView, Output};

arguments! {
    /// Arguments of `unarchive`.
    Args {
        /// The archive: beside the playbook or in `files/`, or on the host with `remote_src`.
        src: String,
        /// The directory into which it is unpacked.
        dest: RemotePath,
        /// Whether `src` is on the host.
        remote_src ("copy_remote"): Flag = Flag(false),
        /// A path; if it exists, nothing is unpacked.
        creates: Option<RemotePath>,
        /// Further options of tar.
        extra_opts: Option<OneOrMany<String>>,
        /// Only these members.
        include: Option<OneOrMany<String>>,
        /// Without these members.
        exclude: Option<OneOrMany<String>>,
        /// The owner of what is unpacked.
        owner: Option<String>,
        /// The group of what is unpacked.
        group: Option<String>,
        /// The mode of what is unpacked.
        mode: Option<Mode>,
    } with {
        /// The archive's bytes, which the runner reads.
        content: Option<Content>,
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let dest = access::absolute(host, &args.dest).await?;
    let outcome = |changed| Outcome::changed(changed).with("dest", dest.as_str()).with("src", args.src.as_str());
    if let Some(creates) = &args.creates
        && host.stat(creates.0.as_str()).await?.is_some()
    {
        return Ok(outcome(false));
    }
    match access::followed(host, &dest).await? {
        Some(stat) if stat.kind == FileKind::Directory => {}
        _ if host.mode() == crate::host::Mode::Check => return Ok(outcome(true)),
        _ => return Err(Failure::step(format!("{dest} is no directory")).hint("make it by a task before")),
    }
    let archive = args.content.as_ref().map(|content| content.0.as_slice());
    if archive.is_none() && args.src.contains("://") {
        return Err(Failure::step("an archive is not fetched here").hint("fetch it by `get_url`, with a checksum"));
    }
    let compared = host.run_query(tar(args, "--compare", &dest, archive)).await?;
    if compared.success() || only_attributes(args, &compared) {
        return Ok(outcome(false));
    }
    access::must(host, tar(args, "--extract", &dest, archive)).await?;
    if let Some(attributes) = attributes(args) {
        host.apply(Change::Attributes { path: dest.clone(), attributes, recurse: true }).await?;
    }
    Ok(outcome(true))
}

/// Whether all that differs is what the task sets after unpacking.
fn only_attributes(args: &Args, compared: &Output) -> bool {
    let set = [
        (args.owner.is_some(), ": Uid differs"),
        (args.group.is_some(), ": Gid differs"),
        (args.mode.is_some(), ": Mode differs"),
    ];
    let ours = |line: &str| set.iter().any(|(set, end)| *set && line.ends_with(end));
    compared.code == 1 && compared.stderr.is_empty() && compared.stdout_text().lines().all(ours)
}

fn attributes(args: &Args) -> Option<crate::host::Attributes> {
    let mode = match &args.mode {
        Some(Mode::Bits(bits)) => Some(*bits),
        _ => None,
    };
    let any = args.owner.is_some() || args.group.is_some() || mode.is_some();
    any.then(|| crate::host::Attributes { owner: args.owner.clone(), group: args.group.clone(), mode })
}

fn tar(args: &Args, verb: &str, dest: &str, archive: Option<&[u8]>) -> Command {
    let mut words = vec!["tar".to_owned(), verb.to_owned(), "--directory".to_owned(), dest.to_owned()];
    if let Some(option) = archive.and_then(compression) {
        words.push(option.to_owned());
    }
    words.extend(["--file".to_owned(), if archive.is_some() { "-".to_owned() } else { args.src.clone() }]);
    words.extend(args.extra_opts.iter().flat_map(|options| options.0.iter().cloned()));
    words.extend(args.exclude.iter().flat_map(|members| members.0.iter().map(|member| format!("--exclude={member}"))));
    words.extend(args.include.iter().flat_map(|members| members.0.iter().cloned()));
    let command = Command::argv(words);
    match archive {
        Some(bytes) => command.stdin(bytes),
        None => command,
    }
}

/// tar looks for a compression only in files; from the standard input it must be told.
fn compression(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x1f, 0x8b, ..] => Some("--gzip"),
        [0xfd, b'7', b'z', ..] => Some("--xz"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("--zstd"),
        [b'B', b'Z', b'h', ..] => Some("--bzip2"),
        _ => None,
    }
}
