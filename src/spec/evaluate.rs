//! How a cluster's release process is evaluated, and what is good enough.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// The `evaluate` section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Evaluate {
    pub rollout: Option<Rollout>,
    pub limits: Limits,
}

/// Which value of the repository is a version, and which one is rolled out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rollout {
    /// A YAML file, from the repository's root.
    pub file: String,
    /// The keys on the way to the value.
    pub key: Vec<String>,
    /// The version that is rolled out, and taken back.
    pub to: String,
}

/// What is worse than these is exit code 6. In JSON, seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    #[serde(serialize_with = "seconds")]
    pub up: Option<Duration>,
    #[serde(serialize_with = "seconds")]
    pub rollout: Option<Duration>,
    #[serde(serialize_with = "seconds")]
    pub drift: Option<Duration>,
    pub steps: Option<u32>,
}

#[expect(clippy::ref_option, reason = "serde hands it over like this")]
fn seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs()).serialize(serializer)
}
