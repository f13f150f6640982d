//! `seedbed doctor`.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};

use super::{Global, put};
use crate::doctor::{Check, State, Workstation, checks, install, packages};
use crate::report::Paint;

/// Tell what this workstation lacks, each with the command that mends it
///
/// Looks at libvirt and the permission to use it, qemu, KVM, the programs that artifacts are built with,
/// disk and memory. Alters nothing, and works where nothing is installed yet.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed doctor
  seedbed doctor -o packages | xargs -r sudo apt-get install -y

Exit codes: 0 nothing that is needed is missing, 4 something is.")]
pub struct Doctor {
    /// What is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    /// A table
    Text,
    /// Every check
    Json,
    /// The names of missing packages, one a line
    Packages,
}

impl Doctor {
    pub fn run(&self, global: &Global) -> u8 {
        let station = Workstation::look(crate::machine::local_kvm());
        let checks = checks(&station);
        put(&match self.output {
            Output::Text => text(&station, &checks, Paint::for_stdout(global.color)),
            Output::Json => format!("{:#}\n", serde_json::json!({ "checks": checks })),
            Output::Packages => packages(&checks).iter().flat_map(|package| [package, "\n"]).collect(),
        });
        let missing = checks.iter().any(|check| check.state == State::Missing);
        if missing { crate::error::code(engine::failure::Kind::Refused) } else { 0 }
    }
}

fn text(station: &Workstation, checks: &[Check], paint: Paint) -> String {
    let mut text = String::new();
    for check in checks {
        let state = match check.state {
            State::Fine => paint.green("ok     "),
            State::Advice => paint.yellow("advice "),
            State::Missing => paint.red("missing"),
        };
        let _ = writeln!(text, "{state}  {:<19} {}", check.name, check.found);
        if let Some(mend) = &check.mend {
            let _ = writeln!(text, "{:30}{}", "", paint.cyan(mend));
        }
    }
    if let Some(command) = install(&station.distribution, checks) {
        let _ = write!(text, "\nAll packages that are needed and missing:\n  {}\n", paint.bold(&command));
    }
    text
}
