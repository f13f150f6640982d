//! `seedbed completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, put};

/// Print the completion script of a shell
///
/// The script goes to stdout; load it from your shell's start file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed completions bash > ~/.local/share/bash-completion/completions/seedbed
  seedbed completions zsh > ~/.zfunc/_seedbed
  seedbed completions fish > ~/.config/fish/completions/seedbed.fish")]
pub struct Completions {
    shell: Shell,
}

impl Completions {
    pub fn run(&self) {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "seedbed", &mut script);
        put(&String::from_utf8_lossy(&script));
    }
}
