//! The API of the cluster: a client from the identity, server-side apply, and looks at what is there.

mod apply;
mod client;
mod documents;
mod evidence;
mod failure;
mod kubeconfig;
mod node;
mod same;

pub use apply::{Applier, FIELD_MANAGER, Identified};
pub use client::{connect, connect_as_is, server_url};
pub use documents::{object, parse_documents};
pub use evidence::{events_of, log_tail};
pub use failure::{failed, patiently, transient};
pub use kubeconfig::{kubeconfig, write_kubeconfig};
pub use node::{NodeState, node_state, wait_ready};
