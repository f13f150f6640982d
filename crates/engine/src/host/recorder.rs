//! Records what a real host answers, for the cases that replay it.

use super::recorded::{Recorded, Said};
use super::{Answer, Change, Output, Query};
use crate::failure::{Failure, Result};

/// Collects answers. The first one to a query counts: a case starts from what was before its changes.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    recorded: Recorded,
    /// A content that YAML cannot hold.
    binary: Option<String>,
}

impl Recorder {
    pub(super) fn saw(&mut self, query: &Query, answer: &Answer) {
        match (query, answer) {
            (Query::Stat(path), Answer::Stat(stat)) => {
                self.recorded.stat.entry(path.clone()).or_insert_with(|| stat.clone());
            }
            (Query::Read(path), Answer::Read(None)) => {
                self.recorded.read.entry(path.clone()).or_insert(None);
            }
            (Query::Read(path), Answer::Read(Some(content))) => match String::from_utf8(content.clone()) {
                Ok(text) => {
                    self.recorded.read.entry(path.clone()).or_insert(Some(text));
                }
                Err(_) => self.binary = Some(path.clone()),
            },
            (Query::Run(command), Answer::Run(output)) => {
                self.recorded.run.entry(command.to_string()).or_insert_with(|| Said::from(output));
            }
            _ => {}
        }
    }

    pub(super) fn applied(&mut self, change: &Change, output: &Output) {
        if let Change::Run(command) = change {
            self.recorded.applied.entry(command.to_string()).or_insert_with(|| Said::from(output));
        }
    }

    pub(super) fn to_yaml(&self) -> Result<String> {
        match &self.binary {
            Some(path) => Err(Failure::other(format!("{path} is not text and cannot be recorded"))),
            None => self.recorded.to_yaml(),
        }
    }
}
