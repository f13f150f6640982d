//! The arguments of what the runner itself carries out: they need variables or files, and no host.

use serde_json::{Map, Value as Json};

use super::arg::{Arguments, Declared, Flag, Mode, Parameter, RemotePath, arguments};
use crate::failure::{Failure, Result};

arguments! {
    /// Arguments of `assert`: conditions are evaluated by the runner, unrendered.
    Assert {
        /// Conditions that must hold.
        that: Json,
        /// What is said when one does not.
        fail_msg ("msg"): Option<String>,
        /// What is said when all hold.
        success_msg: Option<String>,
        /// Whether nothing is said when all hold.
        quiet: Flag = Flag(false),
    }
}

arguments! {
    /// Arguments of `debug`.
    Debug {
        /// What is said.
        msg: Option<Json>,
        /// A variable or expression whose value is shown.
        var: Option<String>,
        /// Accepted for Ansible's sake.
        verbosity: u32 = 0,
    }
}

arguments! {
    /// Arguments of `fail`.
    Fail {
        /// Why the play ends for this host.
        msg: String = "it failed, as the task asks".to_owned(),
    }
}

arguments! {
    /// Arguments of `meta`.
    Meta {
        /// What is done: `flush_handlers`, `end_host`, `end_play` or `noop`.
        action ("_raw_params"): String,
    }
}

arguments! {
    /// Arguments of `pause`.
    Pause {
        /// How long.
        seconds: Option<u64>,
        /// How long.
        minutes: Option<u64>,
        /// Accepted; nobody is asked anything.
        prompt: Option<String>,
    }
}

arguments! {
    /// Arguments of `template`.
    Template {
        /// A template beside the playbook or in `templates/`.
        src: String,
        /// Where the rendered file goes.
        dest: RemotePath,
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
        /// Accepted for Ansible's sake; a link at `dest` is replaced.
        follow: Flag = Flag(false),
        /// Whether blanks before a block are left out.
        lstrip_blocks: Flag = Flag(false),
        /// Whether the line break after a block is left out.
        trim_blocks: Flag = Flag(true),
    }
}

/// The variables that `set_fact` sets.
#[derive(Clone, Debug)]
pub struct SetFact {
    pub facts: Map<String, Json>,
}

impl Declared for SetFact {
    const PARAMETERS: &'static [Parameter] = &[];
    const ANY: bool = true;

    fn read(arguments: &Arguments) -> Result<Self, Vec<Failure>> {
        // Facts are kept for the run only, so `cacheable` says nothing.
        let entries = arguments.entries.iter().filter(|entry| entry.name != "cacheable");
        Ok(Self { facts: entries.map(|entry| (entry.name.clone(), entry.value.clone())).collect() })
    }
}
