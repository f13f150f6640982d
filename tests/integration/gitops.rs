//! `seedbed gitops` as people run it, on a cluster whose machines were taken: its API, Flux and Git host are real.

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::support::apiserver::ApiServer;
use crate::support::flux::World;
use crate::support::git::git;
use crate::support::programs::program;

/// Of loopback, and nobody's: the API's port is fixed.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 66, 43);

const MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: answer, namespace: default}\ndata: {answer: first}\n";

#[tokio::test(flavor = "multi_thread")]
async fn commits_go_and_come() {
    let mut world = World::installed_on(ApiServer::start_at(ADDRESS, 6443).await, Vec::new(), None).await;
    world.run_controllers().await;
    node(&world).await;
    world.repository(&[("clusters/test/map.yaml", MAP)]);
    workstation(&world, ADDRESS, "");

    let (code, data, talk) = run(&world, &["push", "-o", "json"]);
    assert_eq!(code, 0, "{talk}\n{}", world.logs());
    let pushed: Value = serde_json::from_str(&data).unwrap();
    let times = ["fetched", "applied", "ready"].map(|name| pushed["times"][name].as_f64().unwrap());
    assert!(pushed["sent"] == true && times.is_sorted() && times[0] > 0.0, "{data}");

    world.commit(&[("clusters/test/map.yaml", &MAP.replace("first", "second"))]);
    let (code, data, talk) = run(&world, &["diff"]);
    assert_eq!(code, 0, "{talk}");
    assert!(data.contains("-  answer: first\n+  answer: second"), "{data}");
    assert!(data.ends_with(": 1 changed\n"), "{data}");
    let (code, data, talk) = run(&world, &["push", "--no-wait"]);
    assert_eq!((code, data.lines().count()), (0, 1), "{talk}{data}");

    the_remote_moved(&world);
    what_does_not_build_is_named(&world);
}

/// Automation commits, and the user, too: nothing is forced, and the hints lead out.
fn the_remote_moved(world: &World) {
    automation_commits(world, "automated.yaml");
    world.commit(&[("clusters/test/map.yaml", &MAP.replace("first", "third"))]);
    let theirs = git(&world.path("remote.git"), &["rev-parse", "main"]);
    let (code, _, talk) = run(world, &["push"]);
    assert_eq!((code, talk.contains("git rebase refs/seedbed/test/main")), (3, true), "{talk}");
    assert_eq!(git(&world.path("remote.git"), &["rev-parse", "main"]), theirs, "nothing is forced");
    let (code, _, talk) = run(world, &["pull"]);
    assert_eq!((code, talk.contains(" rebase refs/seedbed")), (4, true), "{talk}");
    git(&world.path("source"), &["rebase", "--quiet", "refs/seedbed/test/main"]);
    let (code, data, talk) = run(world, &["push"]);
    assert_eq!((code, data.contains("\nReady ")), (0, true), "{talk}{data}");

    automation_commits(world, "again.yaml");
    let (code, _, talk) = run(world, &["pull"]);
    assert_eq!(code, 0, "{talk}");
    assert!(world.path("source/again.yaml").exists() && world.path("source/automated.yaml").exists(), "{talk}");
    let (code, data, _) = run(world, &["push"]);
    assert_eq!((code, data.starts_with("pushed   nothing to send")), (0, true), "{data}");
}

fn what_does_not_build_is_named(world: &World) {
    world.commit(&[("clusters/test/kustomization.yaml", "resources: [nowhere.yaml]\n")]);
    let (code, data, talk) = run(world, &["diff"]);
    assert_eq!((code, data.contains("nowhere.yaml")), (6, true), "{talk}{data}");
    let (code, _, talk) = run(world, &["push"]);
    assert_eq!((code, talk.contains("BuildFailed") && talk.contains("nowhere.yaml")), (6, true), "{talk}");
}

fn automation_commits(world: &World, file: &str) {
    let clone = world.path("clone");
    let _ = std::fs::remove_dir_all(&clone);
    git(&world.path("."), &["clone", "--quiet", "remote.git", "clone"]);
    std::fs::write(clone.join(file), "# No object.\n").unwrap();
    git(&clone, &["add", "--all"]);
    git(&clone, &["commit", "--quiet", "-m", "from the cluster"]);
    git(&clone, &["push", "--quiet", "origin", "main"]);
}

/// A spec, the identity that `up` would have made, and the known host of the user.
pub fn workstation(world: &World, address: Ipv4Addr, more: &str) {
    let key = &world.server.identity.host("node").unwrap().public;
    let spec = format!(
        "cluster: test\nmachines: {{provider: existing}}\n\
         nodes: [{{name: node, role: control-plane, address: {address}, user: root, key: key, hostKey: {}}}]\n\
         gitops:\n  source: source\n  host: {{url: \"{}\", credentials: {{file: key}}}}\n\
         artifacts: {{overrides: {{kubectl: {}}}}}\n{more}",
        key.split(' ').take(2).collect::<Vec<_>>().join(" "),
        world.remote.url,
        program("kubectl").display(),
    );
    std::fs::write(world.path("seedbed.yaml"), spec).unwrap();
    world.server.identity.save(&world.path(".seedbed/test")).unwrap();
    // The real one, with the world's known hosts rather than the tester's own.
    let script = format!("#!/bin/sh\nexec /usr/bin/ssh-keygen \"$@\" -f '{}'\n", world.path("known_hosts").display());
    std::fs::create_dir(world.path("bin")).unwrap();
    std::fs::write(world.path("bin/ssh-keygen"), script).unwrap();
    std::fs::set_permissions(world.path("bin/ssh-keygen"), PermissionsExt::from_mode(0o755)).unwrap();
}

fn run(world: &World, arguments: &[&str]) -> (i32, String, String) {
    let arguments: Vec<&str> = ["gitops"].iter().chain(arguments).copied().collect();
    seedbed(world, &arguments)
}

/// Runs a command on the spec of the world's workstation.
pub fn seedbed(world: &World, arguments: &[&str]) -> (i32, String, String) {
    let output = command(world, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The command that is run there.
pub fn command(world: &World, arguments: &[&str]) -> Command {
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
    command.args(arguments).arg(world.path("seedbed.yaml")).env("PATH", path);
    command
}

/// The node of the spec, as its kubelet would report it.
pub async fn node(world: &World) {
    let api: Api<Node> = Api::all(world.server.client.clone());
    let node = serde_json::from_value(json!({"metadata": {"name": "node"}})).unwrap();
    api.create(&PostParams::default(), &node).await.unwrap();
    let status = json!({"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}});
    api.patch_status("node", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
}
