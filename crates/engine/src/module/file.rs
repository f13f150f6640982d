//! `file`: directories, links, attributes, and that something is absent.

use super::arg::{Flag, Mode, RemotePath, arguments, choice};
use super::attributes::Wanted;
use super::{Outcome, access};
use crate::failure::{Failure, Result};
use crate::host::{Attributes, Change, Command, FileKind, HostView, Stat};

choice! {
    /// What a path is to be.
    State {
        /// A file that exists already.
        File = "file",
        /// A directory, with its parents.
        Directory = "directory",
        /// Nothing.
        Absent = "absent",
        /// A symbolic link.
        Link = "link",
        /// A file, made empty if there is none, with its times set to now.
        Touch = "touch",
    }
}

arguments! {
    /// Arguments of `file`.
    Args {
        /// The path.
        path ("dest", "name"): RemotePath,
        /// What it is to be.
        state: Option<State>,
        /// Where a link points to.
        src: Option<String>,
        /// The owner's name.
        owner: Option<String>,
        /// The group's name.
        group: Option<String>,
        /// The mode.
        mode: Option<Mode>,
        /// Whether a directory's content gets the same attributes.
        recurse: Flag = Flag(false),
        /// Whether a link takes the place of a file.
        force: Flag = Flag(false),
        /// Whether a link is followed.
        follow: Flag = Flag(true),
        /// `preserve` leaves the time of modification as it is.
        modification_time: Option<String>,
        /// `preserve` leaves the time of access as it is.
        access_time: Option<String>,
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let path = access::absolute(host, &args.path).await?;
    let path = if path == "/" { path } else { path.trim_end_matches('/').to_owned() };
    let there = host.stat(path.as_str()).await?;
    let state = args.state.unwrap_or(match &there {
        Some(Stat { kind: FileKind::Directory, .. }) => State::Directory,
        _ if args.recurse.0 => State::Directory,
        Some(Stat { kind: FileKind::Link, .. }) if args.src.is_some() => State::Link,
        _ => State::File,
    });
    let changes = match state {
        State::Absent => there.map(|_| Change::Remove { path: path.clone() }).into_iter().collect(),
        State::Link => link(args, &path, there.as_ref())?,
        _ => {
            let (path, there) = follow(args, &path, there, host).await?;
            match state {
                State::Directory => directory(args, &path, there.as_ref(), host).await?,
                State::Touch => touch(args, &path, there.as_ref()),
                _ => file(args, &path, there.as_ref())?,
            }
        }
    };
    let outcome = Outcome::changed(!changes.is_empty()).with("path", path).with("state", state.word());
    for change in changes {
        match change {
            Change::Run(command) => drop(access::must(host, command).await?),
            change => drop(host.apply(change).await?),
        }
    }
    Ok(outcome)
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::File | Self::Touch => "file",
            Self::Directory => "directory",
            Self::Absent => "absent",
            Self::Link => "link",
        }
    }
}

/// What a link leads to, where links are followed.
async fn follow(
    args: &Args,
    path: &str,
    there: Option<Stat>,
    host: &mut HostView<'_>,
) -> Result<(String, Option<Stat>)> {
    if !args.follow.0 || !there.as_ref().is_some_and(|stat| stat.kind == FileKind::Link) {
        return Ok((path.to_owned(), there));
    }
    let end = access::ask(host, Command::argv(["readlink", "-f", path])).await?.stdout_text();
    let end = end.trim_end_matches('\n').to_owned();
    let stat = host.stat(end.as_str()).await?;
    Ok((end, stat))
}

impl Args {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { owner: self.owner.as_ref(), group: self.group.as_ref(), mode: self.mode.as_ref() }
    }
}

fn link(args: &Args, path: &str, there: Option<&Stat>) -> Result<Vec<Change>> {
    let Some(target) = args.src.clone() else {
        return Err(Failure::step(format!("{path}: a link needs `src`, what it points to")));
    };
    match there {
        Some(stat) if stat.target.as_ref() == Some(&target) => return Ok(Vec::new()),
        Some(stat) if stat.kind != FileKind::Link && !args.force.0 => {
            return Err(Failure::step(format!("{path} is there and no link")).hint("`force: true` replaces it"));
        }
        _ => {}
    }
    let directory = there.filter(|stat| stat.kind == FileKind::Directory);
    let removed = directory.map(|_| Change::Remove { path: path.to_owned() });
    Ok(removed.into_iter().chain([Change::Link { path: path.to_owned(), target }]).collect())
}

async fn directory(args: &Args, path: &str, there: Option<&Stat>, host: &mut HostView<'_>) -> Result<Vec<Change>> {
    let path = path.to_owned();
    let Some(stat) = there else {
        return Ok(vec![Change::Directory { path, attributes: args.wanted().of_new(0o755, true) }]);
    };
    if stat.kind != FileKind::Directory {
        return Err(Failure::step(format!("{path} is there and no directory")));
    }
    if !args.recurse.0 {
        let missing = args.wanted().missing(stat);
        return Ok(missing
            .map(|attributes| Change::Attributes { path, attributes, recurse: false })
            .into_iter()
            .collect());
    }
    let Some(find) = differing(args, &path) else { return Ok(Vec::new()) };
    if access::ask(host, Command::argv(find)).await?.stdout.is_empty() {
        return Ok(Vec::new());
    }
    let attributes = args.wanted().of_new(stat.mode, true);
    if let Some(Mode::Symbols(symbols)) = &args.mode {
        let attributes = Attributes { mode: None, ..attributes };
        let chmod = Command::argv(["chmod", "-R", "--", symbols, &path]);
        return Ok(vec![Change::Attributes { path, attributes, recurse: true }, Change::Run(chmod)]);
    }
    Ok(vec![Change::Attributes { path, attributes, recurse: true }])
}

/// A `find` that names the first path below with other attributes; `None` if no attribute is wanted.
fn differing(args: &Args, path: &str) -> Option<Vec<String>> {
    let mut tests: Vec<String> = Vec::new();
    let numeric = |name: &str| name.parse::<u32>().is_ok();
    if let Some(owner) = &args.owner {
        tests.extend(["-o", "!", if numeric(owner) { "-uid" } else { "-user" }, owner].map(str::to_owned));
    }
    if let Some(group) = &args.group {
        tests.extend(["-o", "!", if numeric(group) { "-gid" } else { "-group" }, group].map(str::to_owned));
    }
    match &args.mode {
        Some(Mode::Bits(bits)) => {
            let mode = format!("{bits:04o}");
            tests.extend(["-o", "!", "-type", "l", "!", "-perm", &mode].map(str::to_owned));
        }
        // Symbols mean another mode for each file; whether anything differs is not asked.
        Some(Mode::Symbols(_)) => tests.extend(["-o", "-true"].map(str::to_owned)),
        _ => {}
    }
    let (_, first) = tests.split_first()?;
    let mut find = vec!["find".to_owned(), path.to_owned(), "(".to_owned()];
    find.extend(first.iter().cloned());
    find.extend([")", "-print", "-quit"].map(str::to_owned));
    Some(find)
}

fn touch(args: &Args, path: &str, there: Option<&Stat>) -> Vec<Change> {
    let kept = |time: &Option<String>| time.as_deref() == Some("preserve");
    let path = path.to_owned();
    match there {
        None => vec![Change::Write { path, content: Vec::new(), attributes: args.wanted().of_new(0o644, false) }],
        Some(stat) => {
            let keep = kept(&args.modification_time) && kept(&args.access_time);
            let touch = (!keep).then(|| Change::Run(Command::argv(["touch", "--", &path])));
            let missing = args.wanted().missing(stat);
            let attributes = missing.map(|attributes| Change::Attributes { path, attributes, recurse: false });
            touch.into_iter().chain(attributes).collect()
        }
    }
}

fn file(args: &Args, path: &str, there: Option<&Stat>) -> Result<Vec<Change>> {
    let Some(stat) = there else {
        return Err(Failure::step(format!("{path} does not exist"))
            .hint("`state: touch` makes an empty file, `copy` or `template` one with content"));
    };
    let missing = args.wanted().missing(stat);
    let path = path.to_owned();
    Ok(missing.map(|attributes| Change::Attributes { path, attributes, recurse: false }).into_iter().collect())
}
