//! What several tests stand on: real programs from the store, an API server, and Flux.

pub mod apiserver;
pub mod cut;
pub mod files;
pub mod flux;
pub mod git;
pub mod hypervisor;
pub mod machine;
pub mod planned;
pub mod planted;
pub mod programs;
pub mod registry;
pub mod served;
