//! From a declarative cluster spec to a GitOps-synced Kubernetes cluster.
//!
//! Three words: a *machine* is made (libvirt) or exists; a *host* is reached (SSH); a *node* is in
//! Kubernetes. Start reading at `up`.

pub mod artifact;
pub mod assets;
pub mod check;
pub mod cli;
pub mod diagnose;
pub mod doctor;
pub mod down;
pub mod error;
pub mod evaluate;
pub mod flux;
pub mod githost;
pub mod gitops;
pub mod identity;
pub mod kube;
pub mod machine;
pub mod phase;
pub mod plan;
pub mod registry;
pub mod report;
pub mod spec;
pub mod starter;
pub mod state;
pub mod status;
pub mod up;
