//! The evaluate section.

use crate::spec::period::Period;
use crate::spec::read::record;

record! {
    /// How `seedbed evaluate` measures the release process, and what is good enough.
    Evaluate {
        /// Which version is rolled out, by a commit, and taken back by another.
        rollout: Rollout,
        /// What is worse than these is exit code 6.
        limits: Limits,
    }
}

record! {
    /// A value in a YAML file of the repository that says which version runs.
    Rollout {
        /// The file, from the repository's root.
        #[schemars(required, example = "apps/sample/release.yaml")]
        file: String,
        /// The keys on the way to the value, with dots between them.
        #[schemars(required, example = "spec.values.image.tag")]
        key: String,
        /// The version to roll out; the cluster must be able to get its image.
        #[schemars(required, example = "1.1.0")]
        to: String,
    }
}

record! {
    /// The most that is good enough. What has no limit is measured all the same.
    Limits {
        /// Each run of `seedbed evaluate --runs`: from nothing until everything is Ready and the checks hold.
        up: Period,
        /// From the commit until everything is Ready at it.
        rollout: Period,
        /// From any alteration until it is reverted; nothing is nudged, so the interval is a part of it.
        drift: Period,
        /// How many manual steps lead from a fresh machine to a synced cluster.
        steps: u32,
    }
}
