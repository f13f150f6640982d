//! The command line: one file per command, whose doc comment is its `--help`.

mod artifacts;
mod assets;
mod completions;
mod diagnose;
mod doctor;
mod down;
mod evaluate;
mod gitops;
mod global;
mod image;
mod init;
mod kubeconfig;
mod output;
mod plan;
mod rebuild;
mod replay;
mod run;
mod schema;
mod spec_argument;
mod ssh;
mod status;
mod up;
mod validate;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use engine::failure::Failure;

pub use global::Global;
pub use run::{Context, Run, run};

use crate::report::{Mode, Paint};

/// What a command ends with: its exit code, or every failure.
pub type Ending = Result<u8, Vec<Failure>>;

/// One command from a cluster spec to a GitOps-synced Kubernetes cluster.
///
/// seedbed makes virtual machines through libvirt (or takes machines that exist), provisions them over
/// SSH, brings up Kubernetes with kubeadm, installs Flux, seeds the Git repository, and returns when
/// everything in that repository is Ready, or with the one cause why it is not.
#[derive(Debug, Parser)]
#[command(name = "seedbed", version, max_term_width = 100, after_help = EXIT_CODES, after_long_help = LONG)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

macro_rules! exit_codes {
    () => {
        "\
Exit codes:
  0    done
  1    anything else failed
  2    the command line is wrong
  3    the spec, a playbook, a template or the repository is wrong
  4    preflight refused: the workstation, or someone else's object, is in the way
  5    a step on a machine failed
  6    the repository did not become Ready, or a check does not hold
  130  interrupted; the same command continues"
    };
}

const EXIT_CODES: &str = exit_codes!();

const LONG: &str = concat!(
    "\
Examples:
  seedbed doctor                 what this workstation lacks, and the commands that mend it
  seedbed init demo && cd demo   a spec and a GitOps repository to start from
  seedbed up                     make it so; run again, it continues or finds nothing to do
  export KUBECONFIG=$(seedbed kubeconfig --path)
  seedbed down                   removes all that is the cluster's, and nothing else

SPEC is ./seedbed.yaml where none is given. Data goes to stdout, talk to stderr.

",
    exit_codes!()
);

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Validate(validate::Validate),
    Plan(plan::Plan),
    Up(up::Up),
    Gitops(gitops::Gitops),
    Image(image::Images),
    Evaluate(evaluate::Evaluate),
    Status(status::Status),
    Diagnose(diagnose::Diagnose),
    Kubeconfig(kubeconfig::Kubeconfig),
    Ssh(ssh::Ssh),
    Down(down::Down),
    Rebuild(rebuild::Rebuild),
    Doctor(doctor::Doctor),
    Artifacts(artifacts::Artifacts),
    Assets(assets::Assets),
    Replay(replay::Replay),
    Completions(completions::Completions),
    #[command(hide = true)]
    Schema(schema::Schema),
}

/// Runs the program.
pub fn main() -> ExitCode {
    // `seedbed status | head` ends quietly, as every program does that does not print on.
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come here, too, with code 0; a closed stdout is no failure of theirs.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let global = &cli.global;
    let ending = match cli.command {
        Command::Init(command) => command.run(),
        Command::Validate(command) => command.run(global),
        Command::Plan(command) => command.run(),
        Command::Up(command) => command.run(global),
        Command::Down(command) => command.run(global),
        Command::Rebuild(command) => command.run(global),
        Command::Gitops(command) => command.run(global),
        Command::Image(command) => command.run(global),
        Command::Evaluate(command) => command.run(global),
        Command::Status(command) => command.run(global),
        Command::Diagnose(command) => command.run(global),
        Command::Kubeconfig(command) => command.run(),
        Command::Ssh(command) => command.run(),
        Command::Artifacts(command) => command.run(global),
        Command::Assets(command) => command.run(),
        Command::Schema(_) => {
            schema::Schema::run();
            Ok(0)
        }
        Command::Doctor(command) => Ok(command.run(global)),
        Command::Replay(command) => command.run(global),
        Command::Completions(command) => {
            command.run();
            Ok(0)
        }
    };
    ExitCode::from(match ending {
        Ok(code) => code,
        Err(failures) => {
            tell(global, &failures);
            crate::error::exit_code(&failures)
        }
    })
}

/// Writes failures to stderr, as the report mode says.
fn tell(global: &Global, failures: &[Failure]) {
    let text = if global.report == Some(Mode::Json) {
        failures.iter().flat_map(|failure| [crate::report::json_failure(failure).to_string(), "\n".into()]).collect()
    } else {
        crate::error::render(failures, Paint::for_stderr(global.color))
    };
    say(&text);
}

/// Writes talk to stderr; nobody is there to be told that it is closed.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes data to stdout; a closed pipe (`| head`) is no failure.
fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
