//! `mount`: a line of /etc/fstab, fstab(5), and what is mounted.

use super::arg::{RemotePath, arguments, choice};
use super::{Diff, Outcome, access};
use crate::failure::{Failure, Result};
use crate::host::{Attributes, Change, Command, HostView};

choice! {
    /// What is to be.
    State {
        /// It is in the file and mounted.
        Mounted = "mounted",
        /// It is in the file.
        Present = "present",
        /// It is not mounted.
        Unmounted = "unmounted",
        /// It is neither in the file nor mounted, and the directory is gone.
        Absent = "absent",
        /// It is mounted, and the file says nothing of it.
        Ephemeral = "ephemeral",
    }
}

arguments! {
    /// Arguments of `mount`.
    Args {
        /// The mount point.
        path ("name"): RemotePath,
        /// The device.
        src: Option<String>,
        /// The type of the file system.
        fstype: Option<String>,
        /// The options.
        opts: String = "defaults".to_owned(),
        /// The fifth field.
        dump: u32 = 0,
        /// The sixth field.
        passno: u32 = 0,
        /// What is to be.
        state: State,
        /// The file.
        fstab: RemotePath = RemotePath("/etc/fstab".to_owned()),
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let path = args.path.0.as_str();
    let mounts = access::text(host, "/proc/self/mounts").await?;
    let mounted = mounts.lines().any(|line| line.split(' ').nth(1).is_some_and(|at| unescape(at) == path));
    let mut changed = false;
    let mut diff = None;
    if !matches!(args.state, State::Unmounted | State::Ephemeral) {
        let fstab = args.fstab.0.as_str();
        let before = access::text(host, fstab).await?;
        let after = edited(args, &before)?;
        if after != before {
            host.write(fstab, after.as_str(), Attributes::default()).await?;
            diff = Diff::of(fstab, before.as_bytes(), after.as_bytes());
            changed = true;
        }
    }
    match args.state {
        State::Mounted | State::Ephemeral if !mounted => {
            if host.stat(path).await?.is_none() {
                host.apply(Change::Directory { path: path.to_owned(), attributes: Attributes::default() }).await?;
            }
            access::must(host, mount(args)?).await?;
            changed = true;
        }
        State::Unmounted | State::Absent if mounted => {
            access::must(host, Command::argv(["umount", "--", path])).await?;
            changed = true;
        }
        _ => {}
    }
    Ok(Outcome::changed(changed).diff(diff).with("name", path))
}

fn source(args: &Args) -> Result<(&str, &str)> {
    match (&args.src, &args.fstype) {
        (Some(src), Some(fstype)) => Ok((src, fstype)),
        _ => Err(Failure::step("`mount` needs `src` and `fstype` for this state")),
    }
}

fn mount(args: &Args) -> Result<Command> {
    let (src, fstype) = source(args)?;
    Ok(Command::argv(["mount", "-t", fstype, "-o", &args.opts, src, &args.path.0]))
}

fn edited(args: &Args, before: &str) -> Result<String> {
    let ours = |line: &str| {
        !line.trim_start().starts_with('#')
            && line.split_whitespace().nth(1).is_some_and(|at| unescape(at) == args.path.0)
    };
    let wanted = if args.state == State::Absent {
        None
    } else {
        let (src, fstype) = source(args)?;
        let (dump, pass) = (args.dump.to_string(), args.passno.to_string());
        Some([escape(src), escape(&args.path.0), fstype.to_owned(), escape(&args.opts), dump, pass])
    };
    let same = |line: &str| {
        wanted.as_ref().is_some_and(|wanted| line.split_whitespace().eq(wanted.iter().map(String::as_str)))
    };
    let mut pending = wanted.is_some();
    let mut lines = Vec::new();
    for line in before.lines() {
        match (ours(line), &wanted) {
            (false, _) => lines.push(line.to_owned()),
            (true, Some(wanted)) if pending => {
                lines.push(if same(line) { line.to_owned() } else { wanted.join(" ") });
                pending = false;
            }
            (true, _) => {}
        }
    }
    if let (true, Some(wanted)) = (pending, &wanted) {
        lines.push(wanted.join(" "));
    }
    Ok(lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect())
}

/// Blanks in fields are written in octal.
fn escape(field: &str) -> String {
    field.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011")
}

fn unescape(field: &str) -> String {
    field.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
}
