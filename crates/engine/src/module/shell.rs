//! `shell`: runs a script by a shell.

use super::Outcome;
use super::arg::{Flag, RemotePath, arguments};
use super::command::Guarded;
use crate::failure::Result;
use crate::host::{Command, HostView, Program};

arguments! {
    /// Arguments of `shell`.
    Args {
        /// The script.
        cmd ("_raw_params", "free_form"): String,
        /// A path; if it exists, nothing is run.
        creates: Option<RemotePath>,
        /// A path; if it does not exist, nothing is run.
        removes: Option<RemotePath>,
        /// The working directory.
        chdir: Option<RemotePath>,
        /// The shell, instead of `sh`.
        executable: Option<String>,
        /// Text for the standard input.
        stdin: Option<String>,
        /// Whether a line break follows that text.
        stdin_add_newline: Flag = Flag(true),
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let mut command = Command::shell(args.cmd.clone());
    if let Program::Shell { executable, .. } = &mut command.program {
        executable.clone_from(&args.executable);
    }
    let guarded = Guarded {
        creates: args.creates.as_ref(),
        removes: args.removes.as_ref(),
        chdir: args.chdir.as_ref(),
        stdin: args.stdin.as_ref(),
        newline: args.stdin_add_newline.0,
        strip: true,
    };
    guarded.run(command, host).await
}
