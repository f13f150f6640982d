//! `systemd`, `systemd_service` and `service`: sees to a unit.

use std::collections::HashMap;

use super::arg::{Flag, arguments, choice};
use super::{Outcome, access};
use crate::failure::{Failure, Result};
use crate::host::{Command, HostView, Mode};

choice! {
    /// What a unit is to do.
    State {
        /// It runs.
        Started = "started" | "running",
        /// It does not run.
        Stopped = "stopped",
        /// It is started anew.
        Restarted = "restarted",
        /// It reads its configuration anew.
        Reloaded = "reloaded",
    }
}

arguments! {
    /// Arguments of `systemd`.
    Args {
        /// The unit; without a suffix, a service.
        name ("service", "unit"): Option<String>,
        /// What it is to do.
        state: Option<State>,
        /// Whether it starts at boot.
        enabled: Option<Flag>,
        /// Whether it can be started at all.
        masked: Option<Flag>,
        /// Whether systemd reads all units anew before.
        daemon_reload ("daemon-reload"): Flag = Flag(false),
        /// Whether systemd starts itself anew before.
        daemon_reexec ("daemon-reexec"): Flag = Flag(false),
        /// Whether it is only asked for, without waiting.
        no_block: Flag = Flag(false),
        /// Whether overriding links are replaced when it is enabled.
        force: Flag = Flag(false),
        /// Accepted; only the system's manager is known.
        scope: Option<String>,
    }
}

/// What systemd says of a unit.
struct Unit {
    loaded: String,
    active: String,
    file: String,
    stale: bool,
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    if args.daemon_reexec.0 {
        access::must(host, Command::argv(["systemctl", "daemon-reexec"])).await?;
    }
    // As in Ansible, this alone changes nothing.
    if args.daemon_reload.0 {
        access::must(host, Command::argv(["systemctl", "daemon-reload"])).await?;
    }
    let Some(name) = &args.name else { return Ok(Outcome::unchanged()) };
    let unit = look(name, host).await?;
    // An earlier task may have withheld the unit's file.
    if unit.loaded == "not-found" && host.mode() == Mode::Check {
        return Ok(Outcome::changed(true).with("name", name.as_str()));
    }
    let commands = decide(args, name, &unit)?;
    let outcome = Outcome::changed(!commands.is_empty()).with("name", name.as_str());
    for command in commands {
        let starts = command.iter().any(|word| ["start", "restart", "reload"].contains(&word.as_str()));
        if let Err(failure) = access::must(host, Command::argv(command)).await {
            return Err(if starts { explained(failure, name, host).await } else { failure });
        }
    }
    Ok(match (args.state, args.enabled) {
        (Some(state), _) => outcome.with("state", if state == State::Stopped { "stopped" } else { "started" }),
        (None, Some(enabled)) => outcome.with("enabled", enabled.0),
        (None, None) => {
            outcome.with("status", serde_json::json!({ "ActiveState": unit.active, "UnitFileState": unit.file }))
        }
    })
}

async fn look(name: &str, host: &mut HostView<'_>) -> Result<Unit> {
    let properties = "--property=LoadState,ActiveState,UnitFileState,NeedDaemonReload";
    let output = access::ask(host, Command::argv(["systemctl", "show", properties, "--", name])).await?.stdout_text();
    let mut values: HashMap<&str, &str> = output.lines().filter_map(|line| line.split_once('=')).collect();
    let mut value = |name| values.remove(name).unwrap_or_default().to_owned();
    Ok(Unit {
        loaded: value("LoadState"),
        active: value("ActiveState"),
        file: value("UnitFileState"),
        stale: value("NeedDaemonReload") == "yes",
    })
}

/// The commands that make the unit what it is to be.
fn decide(args: &Args, name: &str, unit: &Unit) -> Result<Vec<Vec<String>>> {
    let mut commands = Vec::new();
    let mut command = |words: &[&str]| commands.push(words.iter().map(|word| (*word).to_owned()).collect());
    let wants_file = args.enabled.is_some_and(|flag| flag.0) || args.state.is_some_and(|state| state != State::Stopped);
    if unit.loaded == "not-found" && wants_file {
        return Err(Failure::step(format!("there is no unit `{name}`"))
            .hint("`systemctl list-unit-files` names those there are; a new file needs `daemon_reload: true`"));
    }
    let masked = unit.loaded == "masked" || unit.file.starts_with("masked");
    match args.masked {
        Some(Flag(true)) if !masked => command(&["systemctl", "mask", "--", name]),
        Some(Flag(false)) if masked => command(&["systemctl", "unmask", "--", name]),
        _ => {}
    }
    // Such units are enabled by what they are, and cannot be.
    let fixed = ["static", "indirect", "generated", "transient", "alias"].contains(&unit.file.as_str());
    let enabled = unit.file.starts_with("enabled") || fixed;
    match args.enabled {
        Some(Flag(true)) if !enabled && args.force.0 => command(&["systemctl", "enable", "--force", "--", name]),
        Some(Flag(true)) if !enabled => command(&["systemctl", "enable", "--", name]),
        Some(Flag(false)) if unit.file.starts_with("enabled") => command(&["systemctl", "disable", "--", name]),
        _ => {}
    }
    let running = ["active", "activating", "reloading"].contains(&unit.active.as_str());
    let verb = match args.state {
        Some(State::Started) if !running => "start",
        Some(State::Stopped) if running || unit.active == "deactivating" => "stop",
        Some(State::Restarted) => "restart",
        Some(State::Reloaded) => {
            if running {
                "reload"
            } else {
                "start"
            }
        }
        _ => return Ok(commands),
    };
    if unit.stale && !args.daemon_reload.0 {
        command(&["systemctl", "daemon-reload"]);
    }
    if args.no_block.0 {
        command(&["systemctl", verb, "--no-block", "--", name]);
    } else {
        command(&["systemctl", verb, "--", name]);
    }
    Ok(commands)
}

/// Adds what the unit itself last said.
async fn explained(failure: Failure, name: &str, host: &mut HostView<'_>) -> Failure {
    let journal = Command::argv(["journalctl", "--no-pager", "--lines=20", "--output=cat", "--unit", name]);
    match host.run_query(journal).await {
        Ok(output) if !output.stdout.is_empty() => {
            let text = output.stdout_text();
            let before = failure.evidence.clone().unwrap_or_default();
            failure.evidence(format!("{before}\njournal of {name}:\n{text}"))
        }
        _ => failure.hint(format!("`journalctl -u {name}` on the host says more")),
    }
}
