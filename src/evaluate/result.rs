//! What an evaluation found: a list of cases, each one measurement or one claim that holds or not.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of the JSON format. What reads one version reads what later ones add to it.
pub const VERSION: u32 = 1;

/// A whole evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// Of this format.
    pub version: u32,
    /// The version of seedbed.
    pub seedbed: String,
    pub cluster: String,
    /// When it began, UTC.
    pub at: Timestamp,
    /// In seconds.
    pub took: f64,
    /// How fast the machines are: `native` or `emulated`.
    pub pace: String,
    pub cases: Vec<Case>,
}

/// One measurement or one claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    pub part: Part,
    /// Unique within its part, and the same in every evaluation of the same thing: a baseline is found by it.
    pub name: String,
    pub outcome: Outcome,
    /// What was measured; none where it is only a claim.
    pub value: Option<f64>,
    pub unit: Unit,
    /// How often the one that reverts a drift looks by itself, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<f64>,
    /// The most that the spec calls good enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// What an earlier evaluation measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// What the value is the sum of, in time's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stretches: Vec<Stretch>,
    /// What was seen, in one sentence.
    pub detail: String,
}

/// A part of a time, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    pub name: String,
    pub seconds: f64,
}

/// What is evaluated.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Whether the cluster, made anew, comes out the same each time; with `--runs`.
    Runs,
    /// What the spec's `checks` ask.
    #[default]
    Checks,
    /// Whether tiers waited for those that they depend on.
    Order,
    /// How long a new version takes, from its commit until its pods are ready.
    Rollout,
    /// How long it takes until what was altered by hand is as in Git again.
    Drift,
    /// How many manual steps lead from a fresh machine to a synced cluster.
    Steps,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    #[default]
    Passed,
    /// It does not hold, or did not come about.
    Failed,
    /// It came about, and is worse than its limit or its baseline.
    Worse,
    /// There was nothing to measure; the detail says why.
    Skipped,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    #[default]
    Seconds,
    Steps,
}

impl Part {
    pub const ALL: [Self; 6] = [Self::Runs, Self::Checks, Self::Order, Self::Rollout, Self::Drift, Self::Steps];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Checks => "checks",
            Self::Order => "order",
            Self::Rollout => "rollout",
            Self::Drift => "drift",
            Self::Steps => "steps",
        }
    }
}

impl Outcome {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Worse => "worse",
            Self::Skipped => "skipped",
        }
    }

    pub const fn bad(self) -> bool {
        matches!(self, Self::Failed | Self::Worse)
    }
}

impl Case {
    /// A case that passed, about which nothing was measured.
    pub fn passed(part: Part, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { part, name: name.into(), detail: detail.into(), ..Self::default() }
    }

    pub fn failed(part: Part, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed, ..Self::passed(part, name, detail) }
    }

    pub fn skipped(part: Part, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::Skipped, ..Self::passed(part, name, detail) }
    }

    #[must_use]
    pub fn measured(mut self, value: f64) -> Self {
        self.value = Some(value);
        self
    }
}

impl Evaluation {
    /// Whether anything does not hold, or is worse than a limit or a baseline.
    pub fn bad(&self) -> bool {
        self.cases.iter().any(|case| case.outcome.bad())
    }

    /// The cases of a part, in order.
    pub fn of(&self, part: Part) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(move |case| case.part == part)
    }
}
