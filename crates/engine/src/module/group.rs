//! `group`: sees to a group.

use super::arg::{Flag, arguments, choice};
use super::{Outcome, access};
use crate::failure::Result;
use crate::host::{Command, HostView};

choice! {
    /// Whether the group is there.
    State {
        /// It is.
        Present = "present",
        /// It is not.
        Absent = "absent",
    }
}

arguments! {
    /// Arguments of `group`.
    Args {
        /// The name.
        name: String,
        /// The number.
        gid: Option<u32>,
        /// Whether the number is among the system's.
        system: Flag = Flag(false),
        /// Whether it is there.
        state: State = State::Present,
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let there = host.run_query(Command::argv(["getent", "group", &args.name])).await?.stdout_text();
    let number = there.trim().split(':').nth(2).map(str::to_owned);
    let gid = args.gid.map(|gid| gid.to_string());
    let mut command: Vec<&str> = match (args.state, &number) {
        (State::Present, None) => vec!["groupadd"],
        (State::Present, Some(number)) if gid.as_ref().is_some_and(|gid| gid != number) => vec!["groupmod"],
        (State::Absent, Some(_)) => vec!["groupdel"],
        _ => return Ok(Outcome::unchanged().with("name", args.name.as_str())),
    };
    if args.system.0 && command == ["groupadd"] {
        command.push("--system");
    }
    if let (Some(gid), State::Present) = (&gid, args.state) {
        command.extend(["--gid", gid]);
    }
    command.extend(["--", &args.name]);
    access::must(host, Command::argv(command)).await?;
    Ok(Outcome::changed(true).with("name", args.name.as_str()))
}
