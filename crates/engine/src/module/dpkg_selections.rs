//! `dpkg_selections`: what dpkg is to do with a package, such as to hold it.

use super::arg::{arguments, choice};
use super::{Outcome, access};
use crate::failure::Result;
use crate::host::{Command, HostView};

choice! {
    /// What dpkg is to do with a package.
    Selection {
        /// It is installed and upgraded.
        Install = "install",
        /// It stays as it is.
        Hold = "hold",
        /// It is removed.
        Deinstall = "deinstall",
        /// It is removed with its configuration.
        Purge = "purge",
    }
}

arguments! {
    /// Arguments of `dpkg_selections`.
    Args {
        /// The package.
        name: String,
        /// What dpkg is to do with it.
        selection: Selection,
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let wanted = match args.selection {
        Selection::Install => "install",
        Selection::Hold => "hold",
        Selection::Deinstall => "deinstall",
        Selection::Purge => "purge",
    };
    let there = access::ask(host, Command::argv(["dpkg", "--get-selections", &args.name])).await?.stdout_text();
    let before = there.split_whitespace().nth(1).unwrap_or("not present").to_owned();
    let changed = before != wanted;
    if changed {
        let line = format!("{} {wanted}\n", args.name);
        access::must(host, Command::argv(["dpkg", "--set-selections"]).stdin(line)).await?;
    }
    Ok(Outcome::changed(changed).with("before", before).with("after", wanted))
}
