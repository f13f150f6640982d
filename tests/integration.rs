//! The one integration binary.

#[path = "integration/specs.rs"]
mod specs;
