//! Flux: installed, pointed at the repository, and waited for until everything in it is Ready.

mod controller;
mod diagnosis;
mod install;
mod judge;
mod manifests;
mod milestones;
mod nudge;
mod object;
mod ready;
mod secrets;
mod snapshot;
mod status;
mod sync;
mod verdict;

pub use controller::quick;
pub use diagnosis::{cause, explain};
pub use install::install;
pub use judge::{Finding, State, judge};
pub use manifests::{CONTROLLERS, Controller, Manifests};
pub use milestones::{Milestone, milestones};
pub use nudge::{Nudges, nudge, nudge_sources};
pub use object::{Condition, Key, Object, inventory_key};
pub use ready::{Expected, wait_until_ready};
pub use secrets::SECRET;
pub use snapshot::{Reader, Snapshot, read_appliers, read_tiers};
pub use status::{ObjectStatus, status, status_of};
pub use sync::{RECEIVER, Sync, sync_objects};
pub use verdict::{Memory, Verdict};

/// The namespace that Flux and the first objects are in.
pub const NAMESPACE: &str = "flux-system";
/// The name of the first `GitRepository` and `Kustomization`, which existing sourceRefs use.
pub const NAME: &str = "flux-system";

#[cfg(test)]
mod tests;
