//! What several tests stand on: real programs from the store, and an API server.

pub mod apiserver;
pub mod programs;
