//! The one integration binary.

#[path = "integration/kube_api.rs"]
mod kube_api;
#[path = "integration/kubeadm.rs"]
mod kubeadm;
#[path = "integration/specs.rs"]
mod specs;
#[path = "integration/support/mod.rs"]
mod support;
