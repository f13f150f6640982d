//! `seedbed replay`.

use std::path::PathBuf;

use clap::Args;

use super::{Ending, Global, put};
use crate::report::{self, Color, Mode, Paint, Speed};

/// Redraw a run from its journal
///
/// Every `up`, `down` and `rebuild` leaves a journal in `.seedbed/<cluster>/journal/`: all that happened,
/// with secrets masked, so that a bug report is a file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed replay .seedbed/demo/journal/2026-11-23T09-10-11Z.jsonl
  seedbed replay --report bars --speed 20 run.jsonl
  seedbed replay --report json run.jsonl | jq 'select(.kind == \"failed\")'")]
pub struct Replay {
    /// A journal
    journal: PathBuf,

    /// How many times as fast as it was; 0: without pauses. 10 where bars are shown, else 0
    #[arg(long, value_name = "TIMES")]
    speed: Option<f64>,
}

impl Replay {
    pub fn run(&self, global: &Global) -> Ending {
        let events = report::read_journal(&self.journal).map_err(|failure| vec![failure])?;
        let mut settings = global.settings(None);
        if settings.mode != Mode::Bars && global.color == Color::Auto {
            settings.paint = Paint::for_stdout(global.color);
        }
        let usual = if settings.mode == Mode::Bars { 10.0 } else { 0.0 };
        let times = self.speed.unwrap_or(usual);
        let speed = if times > 0.0 { Speed::Times(times) } else { Speed::AtOnce };
        let tree = report::replay(&events, &settings, speed, Box::new(std::io::stdout()));
        if settings.mode != Mode::Json {
            put(&report::summary(&tree, settings.paint));
        }
        Ok(0)
    }
}
