//! `modprobe`: loads a kernel module, now and at boot.

use super::arg::{arguments, choice};
use super::{Outcome, access};
use crate::failure::Result;
use crate::host::{Attributes, Change, Command, HostView};

choice! {
    /// Whether the module is loaded.
    State {
        /// It is.
        Present = "present",
        /// It is not.
        Absent = "absent",
    }
}

choice! {
    /// What happens at boot.
    Persistent {
        /// Nothing is said of it.
        Disabled = "disabled",
        /// It is loaded.
        Present = "present",
        /// It is no longer loaded.
        Absent = "absent",
    }
}

arguments! {
    /// Arguments of `modprobe`.
    Args {
        /// The module's name.
        name: String,
        /// Whether it is loaded.
        state: State = State::Present,
        /// Its parameters.
        params: String = String::new(),
        /// What happens at boot.
        persistent: Persistent = Persistent::Disabled,
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let mut changed = false;
    let loaded = loaded(&args.name, host).await?;
    match (args.state, loaded) {
        (State::Present, false) => {
            let words = ["modprobe", "--", &args.name].map(str::to_owned).into_iter();
            let command = Command::argv(words.chain(args.params.split_whitespace().map(str::to_owned)));
            access::must(host, command).await.map_err(|failure| {
                failure.hint("the kernel must come with its modules: `ls /lib/modules/$(uname -r)`")
            })?;
            changed = true;
        }
        (State::Absent, true) => {
            access::must(host, Command::argv(["modprobe", "-r", "--", &args.name])).await?;
            changed = true;
        }
        _ => {}
    }
    let load = format!("/etc/modules-load.d/{}.conf", args.name);
    let options = format!("/etc/modprobe.d/{}.conf", args.name);
    let has_options = !args.params.is_empty();
    match args.persistent {
        Persistent::Disabled => {}
        Persistent::Present => {
            changed |= file(&load, &format!("{}\n", args.name), host).await?;
            if has_options {
                changed |= file(&options, &format!("options {} {}\n", args.name, args.params), host).await?;
            }
        }
        Persistent::Absent => {
            for path in [load, options] {
                if host.stat(path.as_str()).await?.is_some() {
                    host.apply(Change::Remove { path }).await?;
                    changed = true;
                }
            }
        }
    }
    Ok(Outcome::changed(changed).with("name", args.name.as_str()))
}

/// Whether a module is loaded, or part of the kernel.
async fn loaded(name: &str, host: &mut HostView<'_>) -> Result<bool> {
    let directory = format!("/sys/module/{}", name.replace('-', "_"));
    if host.stat(directory).await?.is_some() {
        return Ok(true);
    }
    let name = name.replace(['-', '_'], "[-_]");
    let script = format!("grep -qs '/{name}\\.ko' \"/lib/modules/$(uname -r)/modules.builtin\"");
    Ok(host.run_query(Command::shell(script)).await?.success())
}

async fn file(path: &str, content: &str, host: &mut HostView<'_>) -> Result<bool> {
    if host.read(path).await?.as_deref() == Some(content.as_bytes()) {
        return Ok(false);
    }
    host.write(path, content, Attributes { mode: Some(0o644), ..Attributes::default() }).await?;
    Ok(true)
}
