//! `sysctl`: a kernel setting, in a file and now.

use super::arg::{Flag, RemotePath, arguments, choice};
use super::{Diff, Outcome, access};
use crate::failure::{Failure, Result};
use crate::host::{Attributes, Command, HostView};

choice! {
    /// Whether the file holds the setting.
    State {
        /// It does.
        Present = "present",
        /// It does not.
        Absent = "absent",
    }
}

arguments! {
    /// Arguments of `sysctl`.
    Args {
        /// The setting, such as `net.ipv4.ip_forward`.
        name ("key"): String,
        /// Its value.
        value ("val"): Option<String>,
        /// Whether the file holds it.
        state: State = State::Present,
        /// The file.
        sysctl_file: RemotePath = RemotePath("/etc/sysctl.conf".to_owned()),
        /// Whether the running kernel is looked at, too.
        sysctl_set: Flag = Flag(false),
        /// Whether the kernel reads the file when it changed.
        reload: Flag = Flag(true),
        /// Whether settings that the kernel does not know are passed over.
        ignoreerrors: Flag = Flag(false),
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let path = &args.sysctl_file.0;
    let before = access::text(host, path).await?;
    let value = match (args.state, &args.value) {
        (State::Present, Some(value)) => Some(value.trim()),
        (State::Present, None) => return Err(Failure::step(format!("{} needs a `value`", args.name))),
        (State::Absent, _) => None,
    };
    let after = edited(&before, &args.name, value);
    let mut changed = after != before;
    if changed {
        host.write(path.as_str(), after.as_str(), Attributes::default()).await?;
    }
    let ignore = if args.ignoreerrors.0 { &["-e"][..] } else { &[] };
    if let (true, Some(value)) = (args.sysctl_set.0, value) {
        let live = host.run_query(Command::argv(["sysctl", "-n", &args.name])).await?.stdout_text();
        if live.split_whitespace().ne(value.split_whitespace()) {
            let setting = format!("{}={value}", args.name);
            access::must(host, Command::argv(["sysctl"].iter().chain(ignore).chain(&["-w", &setting]).copied()))
                .await?;
            changed = true;
        }
    }
    if after != before && args.reload.0 {
        let reload = Command::argv(["sysctl"].iter().chain(ignore).chain(&["-p", path]).copied());
        access::must(host, reload).await.map_err(|failure| {
            failure.hint("a setting exists only when its kernel module is loaded: `modprobe` comes before")
        })?;
    }
    let diff = Diff::of(path, before.as_bytes(), after.as_bytes()).filter(|_| before != after);
    Ok(Outcome::changed(changed).diff(diff))
}

/// The file with a setting, or without it. The first line that sets it is changed, others go.
fn edited(before: &str, name: &str, value: Option<&str>) -> String {
    let sets = |line: &str| {
        let line = line.trim_start();
        !line.starts_with(['#', ';'])
            && line.split_once('=').is_some_and(|(key, _)| key.trim().trim_start_matches('-').replace('/', ".") == name)
    };
    let same = |line: &str, value: &str| {
        line.split_once('=').is_some_and(|(_, old)| old.split_whitespace().eq(value.split_whitespace()))
    };
    let mut pending = value;
    let mut lines = Vec::new();
    for line in before.lines() {
        match (sets(line), pending) {
            (false, _) => lines.push(line.to_owned()),
            (true, Some(value)) => {
                lines.push(if same(line, value) { line.to_owned() } else { format!("{name}={value}") });
                pending = None;
            }
            (true, None) => {}
        }
    }
    lines.extend(pending.map(|value| format!("{name}={value}")));
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::edited;

    #[test]
    fn a_setting_is_set_once() {
        assert_eq!(edited("", "a.b", Some("1")), "a.b=1\n");
        assert_eq!(edited("# a.b=0\na.b = 1\n", "a.b", Some("1")), "# a.b=0\na.b = 1\n");
        assert_eq!(edited("a.b=0\nc=1\na.b=2\n", "a.b", Some("1")), "a.b=1\nc=1\n");
        assert_eq!(edited("a.b=0\nc=1\n", "a.b", None), "c=1\n");
    }
}
