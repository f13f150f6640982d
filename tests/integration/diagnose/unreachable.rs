//! What is masked of `gitops.secrets` while no API tells which Secrets the cluster has.

use std::process::Command;

use engine::host::keys::generate_ed25519;
use seedbed::identity::Identity;
use serde_json::json;

use super::sources::{MARK, journal};
use super::{Workstation, free_port, talk};
use crate::support::planted::{Planted, unpack};

/// None looks like a secret, and no name tells that it is one.
const ENVIRONMENT: &str = "willow-compass-amber-41";
const FILE: &str = "granite harbour at noon";
const PULL: &str = "saffron-bridge-teal-52";

const SPEC: &str = "cluster: demo
nodes: [{name: cp, role: control-plane}]
gitops:
  source: ./gitops
  path: clusters/demo
  secrets:
    - name: words
      namespace: apps
      data:
        environment: {env: PLANTED_IN_THE_SPEC}
        file: {file: words.txt}
        pipe: {file: pipe}
        absent: {file: absent}
        command: {command: [touch, the-command-ran]}
    - {name: pull, namespace: apps, type: kubernetes.io/dockerconfigjson, data: {.dockerconfigjson: {file: pull.json}}}
";

#[test]
fn the_secrets_of_the_spec_are_masked_while_the_api_is_unreachable() {
    let workstation = Workstation::new(SPEC);
    let write = |name: &str, text: &str| std::fs::write(workstation.path(name), text).unwrap();
    std::fs::create_dir_all(workstation.path("gitops/clusters/demo")).unwrap();
    write("gitops/clusters/demo/kustomization.yaml", "resources: []\n");
    write("words.txt", &format!("{FILE}\n"));
    write("pull.json", &json!({"auths": {"ghcr.io": {"username": "robot", "password": PULL}}}).to_string());
    // Nobody writes into it: whoever opens it waits for ever.
    assert!(Command::new("mkfifo").arg(workstation.path("pipe")).status().unwrap().success());

    let planted = Planted::only(&[ENVIRONMENT, FILE, PULL]);
    let identity = Identity::make("demo", ["cp"]).unwrap();
    let host = generate_ed25519("host").unwrap();
    let public = host.public.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let plan = format!("{MARK} the plan\n{}", planted.text);
    write("key", &identity.user.private);
    workstation.was_up(&identity, &public, (free_port(), free_port()), "native", &plan);
    journal(&workstation.path(".seedbed/demo/journal"), &planted);
    let output = workstation
        .seedbed(&["diagnose", "-o", "diagnosis.tar.gz"])
        .env("PLANTED_IN_THE_SPEC", ENVIRONMENT)
        .env("SEEDBED_LIBVIRT", "/bin/false")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(!workstation.path("the-command-ran").exists(), "a diagnosis runs nothing of the user's");

    let (first, files) = unpack(&workstation.path("diagnosis.tar.gz"));
    assert!(files[&first].contains("\n  kubernetes: "), "the API was reached:\n{}", files[&first]);
    for name in ["plan.json", "journal.jsonl", "run.txt", "kubeadm.txt"] {
        let text = &files[name];
        assert!(text.contains(MARK) && text.contains("********"), "{name} was not poisoned:\n{text}");
    }
    for (name, text) in
        files.iter().map(|(name, text)| (name.as_str(), text.clone())).chain([("stderr", talk(&output))])
    {
        let found = planted.found_in(&text);
        assert!(found.is_empty(), "{name} holds {found:?}");
    }
}
