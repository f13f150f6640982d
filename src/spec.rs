//! The spec: what the user wrote, checked and converted once into what the program uses.
//!
//! `parse` reads text, `load` a file; both report every mistake at once. The path of a spec is
//! text, [`tree`] (YAML with places), [`raw`] (what the user wrote), [`Cluster`] (what the program uses).

mod check;
mod cluster;
mod convert;
mod evaluate;
mod known;
mod load;
pub mod period;
mod playbooks;
mod problems;
mod raw;
mod read;
mod repository;
mod schema;
mod sources;
pub mod tree;
mod value;

pub use check::{Asks, Check, Http, Metric, Port, Source, Target, Wanted};
pub use cluster::{
    ArtifactSource, Artifacts, Cluster, Cni, Credentials, Dirty, Emulation, Existing, GitHost, Gitops, Kubernetes,
    Machines, Network, Node, Provider, Provision, Registry, Role, Secret, SecretSource,
};
pub use evaluate::{Evaluate, Limits, Rollout};
pub use load::{load, load_alone, parse, validate};
pub use problems::{nearest, snippet};
pub use repository::Report;
pub use schema::schema;
pub use sources::Sources;
pub use value::human;
