//! The one integration binary.

#[path = "integration/artifacts.rs"]
mod artifacts;
#[path = "integration/bad_days.rs"]
mod bad_days;
#[path = "integration/checks.rs"]
mod checks;
#[path = "integration/command_line.rs"]
mod command_line;
#[path = "integration/diagnose.rs"]
mod diagnose;
#[path = "integration/diff.rs"]
mod diff;
#[path = "integration/disk.rs"]
mod disk;
#[path = "integration/down.rs"]
mod down;
#[path = "integration/edits.rs"]
mod edits;
#[path = "integration/evaluate.rs"]
mod evaluate;
#[path = "integration/existing.rs"]
mod existing;
#[expect(clippy::print_stderr, reason = "how long each takes is told, never asserted")]
#[path = "integration/flux.rs"]
mod flux;
#[path = "integration/gitops.rs"]
mod gitops;
#[path = "integration/house.rs"]
mod house;
#[path = "integration/image.rs"]
mod image;
#[path = "integration/kube_api.rs"]
mod kube_api;
#[path = "integration/kubeadm.rs"]
mod kubeadm;
#[path = "integration/mirror.rs"]
mod mirror;
#[path = "integration/prune.rs"]
mod prune;
#[path = "integration/registry_host.rs"]
mod registry_host;
#[path = "integration/secrets.rs"]
mod secrets;
#[path = "integration/specs.rs"]
mod specs;
#[path = "integration/starter.rs"]
mod starter;
#[path = "integration/support/mod.rs"]
mod support;
#[path = "integration/without_libvirt.rs"]
mod without_libvirt;
