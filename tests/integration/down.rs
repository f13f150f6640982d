//! What `down` and `rebuild` remove, and what stops them before they do.
//!
//! Libvirt's test driver begins each connection with the objects of a file, so every run finds them again.

use std::path::Path;
use std::process::{Command, Stdio};

const SPEC: &str =
    "cluster: demo\nmachines: {emulation: allow, uri: \"test://URI\"}\nnodes: [{name: cp, role: control-plane}]\n";

/// A directory with a spec whose libvirt has one machine of a cluster with the spec's name.
fn checkout(mark: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let node = directory.path().join("libvirt.xml");
    let mark = format!(
        "<seedbed:machine xmlns:seedbed='https://seedbed.dev/xmlns/1' cluster='demo' \
         id='0b2e1a52-7f1c-4f6e-9a55-1d3c5b7e9f00' spec='5ec' {mark} node='cp' role='control-plane' \
         address='127.0.0.1' host-key='ssh-ed25519 AAAA'/>"
    );
    let domain = format!(
        "<node><domain type='test'><name>demo-cp</name><uuid>6f2f4a1e-2c3f-4d6a-8a52-0123456789ab</uuid>\
         <metadata>{mark}</metadata><memory>1048576</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain></node>"
    );
    std::fs::write(&node, domain).unwrap();
    write(directory.path(), "");
    directory
}

fn write(directory: &Path, more: &str) {
    let uri = directory.join("libvirt.xml").display().to_string();
    std::fs::write(directory.join("seedbed.yaml"), SPEC.replace("URI", &uri) + more).unwrap();
}

fn run(directory: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
    command.args(arguments).args(["--report", "lines"]).current_dir(directory).stdin(Stdio::null());
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

const REMOVED: &str = "removed 1 machines";

#[test]
fn a_cluster_that_was_made_elsewhere_stays_unless_it_is_named() {
    let second = checkout("file='/home/me/first/seedbed.yaml'");
    let (code, talk) = run(second.path(), &["down", "--discard-commits"]);
    assert_eq!((code, talk.contains(REMOVED)), (4, false), "{talk}");
    assert!(talk.contains("/home/me/first/seedbed.yaml") && talk.contains("--by-name"), "{talk}");
    let (code, talk) = run(second.path(), &["up"]);
    assert!(code == 4 && talk.contains("/home/me/first/seedbed.yaml"), "{code}: {talk}");
    let (code, talk) = run(second.path(), &["down", "--discard-commits", "--by-name"]);
    assert_eq!((code, talk.contains(REMOVED)), (0, true), "{talk}");
}

#[test]
fn a_cluster_of_this_spec_goes_without_its_state() {
    let first = checkout("");
    let (code, talk) = run(first.path(), &["down", "--discard-commits"]);
    assert_eq!((code, talk.contains(REMOVED)), (0, true), "an earlier version's objects: {talk}");
    // Renamed beside its state directory, it is the same.
    let renamed = checkout("");
    let xml = renamed.path().join("libvirt.xml");
    let file = format!("file='{}' node=", renamed.path().join("before.yaml").display());
    std::fs::write(&xml, std::fs::read_to_string(&xml).unwrap().replace("node=", &file)).unwrap();
    let (code, talk) = run(renamed.path(), &["down", "--discard-commits"]);
    assert_eq!((code, talk.contains(REMOVED)), (0, true), "{talk}");
}

#[test]
fn a_rebuild_that_cannot_succeed_removes_nothing() {
    let checkout = checkout("");
    let spec = std::fs::read_to_string(checkout.path().join("seedbed.yaml")).unwrap();
    let spec = spec.replace("role: control-plane", "role: control-plane, memory: 900GiB");
    std::fs::write(checkout.path().join("seedbed.yaml"), spec).unwrap();
    let (code, talk) = run(checkout.path(), &["rebuild", "--discard-commits"]);
    assert!(code == 4 && talk.contains("900GiB of memory"), "{code}: {talk}");
    assert!(!talk.contains(REMOVED), "{talk}");
}

#[test]
fn what_the_spec_names_need_not_be_there() {
    let checkout = checkout("");
    write(checkout.path(), "provision: {playbooks: [gone.yaml]}\ngitops: {source: ./gone, path: clusters/demo}\n");
    assert_eq!(run(checkout.path(), &["up"]).0, 3);
    assert_eq!(run(checkout.path(), &["kubeconfig"]).0, 4, "it was never up");
    assert_eq!(run(checkout.path(), &["ssh", "cp"]).0, 4, "it was never up");
    assert_eq!(run(checkout.path(), &["status"]).0, 5);
    let (code, talk) = run(checkout.path(), &["down", "--discard-commits"]);
    assert_eq!((code, talk.contains(REMOVED)), (0, true), "{talk}");
}

#[test]
fn a_cluster_is_not_forgotten_for_another_libvirt() {
    let checkout = checkout("");
    let state = checkout.path().join(".seedbed/demo");
    std::fs::create_dir_all(&state).unwrap();
    std::fs::write(state.join("plan.json"), "{\"uri\": \"qemu:///system\"}").unwrap();
    let (code, talk) = run(checkout.path(), &["down", "--discard-commits"]);
    assert!(code == 4 && talk.contains("was made at qemu:///system"), "{code}: {talk}");
    assert!(state.join("plan.json").exists());
}
