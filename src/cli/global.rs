//! Options that every command takes.

use std::path::PathBuf;

use clap::Args;

use crate::report::{Color, Mode, Paint, Settings};

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// How work is shown on stderr: bars on a terminal, lines elsewhere, where nothing is asked for
    #[arg(long, global = true, value_name = "HOW")]
    pub report: Option<Mode>,

    /// When text is coloured; `NO_COLOR` is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,

    /// Show programs' output and what was skipped, too
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

impl Global {
    /// How a run is reported, with a journal or without one.
    pub fn settings(&self, journal: Option<PathBuf>) -> Settings {
        let mode = Mode::choose(self.report);
        Settings { mode, paint: Paint::for_stderr(self.color), verbose: self.verbose, journal }
    }
}
