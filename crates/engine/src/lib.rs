//! Runs Ansible-shaped playbooks over SSH, with no Python on the target.
//!
//! Knows nothing of Kubernetes, libvirt or command lines. Start reading at `playbook`.

pub mod asset;
pub mod digest;
pub mod event;
pub mod failure;
pub mod host;
pub mod module;
pub mod nearest;
pub mod place;
pub mod playbook;
pub mod template;
pub mod wait;
