//! `hostname`: the host's name, now and at boot.

use super::arg::arguments;
use super::{Outcome, access};
use crate::failure::Result;
use crate::host::{Attributes, Command, HostView};

arguments! {
    /// Arguments of `hostname`.
    Args {
        /// The name.
        name: String,
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let mut changed = false;
    if access::text(host, "/etc/hostname").await?.trim() != args.name {
        host.write("/etc/hostname", format!("{}\n", args.name), Attributes::default()).await?;
        changed = true;
    }
    if access::text(host, "/proc/sys/kernel/hostname").await?.trim() != args.name {
        access::must(host, Command::argv(["hostname", &args.name])).await?;
        changed = true;
    }
    Ok(Outcome::changed(changed).with("name", args.name.as_str()))
}
