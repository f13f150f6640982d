//! `seedbed evaluate` as people run it, on a cluster whose API, Flux and Git host are real. Only pods are not: the status
//! of Deployments is written as kubelets would have brought it about.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use seedbed::evaluate::{Case, Evaluation, Outcome, Part, record};
use seedbed::spec;
use seedbed::state::State;
use serde_json::json;

use crate::gitops::{node, seedbed, workstation};
use crate::support::apiserver::ApiServer;
use crate::support::flux::World;
use crate::support::git::git;

#[path = "evaluate/missing.rs"]
mod missing;

/// Of loopback, and nobody's: the API's port is fixed.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 66, 45);

const MORE: &str = "checks:
  - {name: node, condition: {kind: Node, name: node, type: Ready}}
evaluate:
  rollout: {file: last/release.yaml, key: spec.values.tag, to: 1.1.0}
  limits: {rollout: 10m, drift: 5m, steps: 6}
";

const BASE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: apps}\n";

const PLAIN: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: {name: plain, namespace: apps, labels: {team: garden}}
spec:
  replicas: 1
  selector: {matchLabels: {app: plain}}
  template:
    metadata: {labels: {app: plain}}
    spec: {containers: [{name: main, image: 'example.org/plain:7'}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: apps}
data: {answer: forty-two}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: early, namespace: default}
data: {made: by-hand}
";

const RELEASE: &str = r"
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: charted, namespace: apps}
spec:
  interval: 15s
  chart:
    spec:
      chart: ./charts/charted
      sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}
      interval: 1m
      reconcileStrategy: Revision
  driftDetection: {mode: enabled}
  values: {tag: 1.0.0}
";

const CHARTED: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: {name: charted, labels: {team: charts}}
spec:
  replicas: 2
  selector: {matchLabels: {app: charted}}
  template:
    metadata: {labels: {app: charted}}
    spec: {containers: [{name: main, image: 'example.org/charted:{{ .Values.tag }}'}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: charted, labels: {team: charts}}
data: {answer: forty-three}
";

fn tier(name: &str, on: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, namespace: flux-system}}\n\
         spec:\n  dependsOn: [{on}]\n  sourceRef: {{kind: GitRepository, name: flux-system}}\n  path: ./{name}\n  \
         prune: true\n  wait: true\n  interval: 15s\n  retryInterval: 5s\n  timeout: 2m\n---\n"
    )
}

/// Writes the status of Deployments until the test ends.
async fn pretend(client: Client) {
    let all: Api<Deployment> = Api::all(client.clone());
    loop {
        for deployment in all.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default() {
            let (metadata, count) = (deployment.metadata, deployment.spec.and_then(|spec| spec.replicas));
            if deployment.status.and_then(|status| status.observed_generation) == metadata.generation {
                continue;
            }
            let api: Api<Deployment> = Api::namespaced(client.clone(), &metadata.namespace.unwrap());
            let status = json!({"status": {
                "observedGeneration": metadata.generation, "replicas": count, "updatedReplicas": count,
                "readyReplicas": count, "availableReplicas": count,
                "conditions": [
                    {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
                    {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
                ],
            }});
            // It may be gone by now.
            let _ = api.patch_status(&metadata.name.unwrap(), &PatchParams::default(), &Patch::Merge(status)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_process_is_measured() {
    let mut world = World::installed_on(ApiServer::start_at(ADDRESS, 6443).await, Vec::new(), None).await;
    let pretending = tokio::spawn(pretend(world.server.client.clone()));
    world.run_controllers().await;
    node(&world).await;
    let tiers = tier("base", "") + &tier("apps", "{name: base}") + &tier("last", "{name: apps}");
    world.repository(&[
        ("clusters/test/tiers.yaml", &tiers),
        ("base/namespace.yaml", BASE),
        ("apps/plain.yaml", PLAIN),
        ("last/release.yaml", RELEASE),
        ("charts/charted/Chart.yaml", "apiVersion: v2\nname: charted\nversion: 0.1.0\n"),
        ("charts/charted/templates/all.yaml", CHARTED),
    ]);
    workstation(&world, ADDRESS, MORE);
    // What an order is violated by: it is there before the tier that its own depends on.
    let early: Api<ConfigMap> = Api::namespaced(world.server.client.clone(), "default");
    let object = serde_json::from_value(json!({"metadata": {"name": "early"}})).unwrap();
    early.create(&PostParams::default(), &object).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;

    let state = State::of(&spec::load(world.path("seedbed.yaml")).unwrap());
    let up = Box::pin(record::during(&world.server.client, &state, world.up(600))).await;
    up.unwrap_or_else(|failure| panic!("{failure:#?}\n{}", world.logs()));
    missing::strict(&world);
    missing::a_killed_run_leaves_it(&world).await;
    order_is_proven(&world);
    missing::nothing_is_left(&world).await;
    missing::an_interrupted_run_leaves_nothing(&world).await;
    missing::a_refused_push_is_skipped(&world).await;
    everything_else_is_measured(&world);
    a_baseline_is_compared(&world);
    pretending.abort();
}

fn order_is_proven(world: &World) {
    let (code, data, talk) = seedbed(world, &["evaluate", "--only", "order", "-o", "json"]);
    let evaluation: Evaluation = serde_json::from_str(&data).unwrap_or_else(|_| panic!("{talk}\n{data}"));
    let (tiers, tried) = evaluation.cases.split_at(2);
    let told: Vec<(&str, Outcome)> = tiers.iter().map(|case| (case.name.as_str(), case.outcome)).collect();
    let expected = [
        ("Kustomization/flux-system/apps after Kustomization/flux-system/base", Outcome::Failed),
        ("Kustomization/flux-system/last after Kustomization/flux-system/apps", Outcome::Passed),
    ];
    assert_eq!((code, told.as_slice()), (6, &expected[..]), "{data}");
    let violated = &tiers[0].detail;
    assert!(violated.starts_with("1 of 3 objects came before it was Ready, ConfigMap/default/early"), "{violated}");
    assert!(tiers.iter().all(|case| case.detail.ends_with("(recorded by a watch during `up`)")), "{data}");
    missing::it_stops_and_is_named(world, tried);
}

fn everything_else_is_measured(world: &World) {
    let results = world.path("results");
    let before = git(&world.path("remote.git"), &["rev-parse", "main^{tree}"]);
    let parts = "checks,rollout,drift,steps";
    let (code, data, talk) =
        seedbed(world, &["evaluate", "--only", parts, "-o", "json", "--write", &results.display().to_string()]);
    assert_eq!(code, 0, "{talk}\n{data}\n{}", world.logs());
    let evaluation: Evaluation = serde_json::from_str(&data).unwrap();
    let of = |part| evaluation.cases.iter().filter(move |case| case.part == part).collect::<Vec<&Case>>();
    assert_eq!((of(Part::Checks).len(), of(Part::Drift).len(), of(Part::Steps).len()), (1, 8, 4), "{data}");
    for drift in of(Part::Drift) {
        let value = drift.value.unwrap_or_else(|| panic!("{drift:?}"));
        assert!(drift.outcome == Outcome::Passed && value > 0.0 && drift.interval == Some(15.0), "{drift:?}");
    }
    let rollout = of(Part::Rollout);
    assert_eq!(rollout.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), ["to 1.1.0", "back to 1.0.0"]);
    for case in rollout {
        let sum: f64 = case.stretches.iter().map(|stretch| stretch.seconds).sum();
        assert!(case.stretches.len() == 4 && (sum - case.value.unwrap()).abs() < 0.01, "{case:?}");
        assert!(
            case.detail.starts_with("by a commit: ") && case.detail.ends_with("run by Deployment/apps/charted"),
            "{case:?}"
        );
    }
    assert_eq!(git(&world.path("remote.git"), &["rev-parse", "main^{tree}"]), before, "it ends as it was");
    let authors = git(&world.path("source"), &["log", "--format=%an", "-2"]);
    assert_eq!(authors, "seedbed evaluate\nseedbed evaluate", "the user's branch has the two commits");
    all_formats_parse(&results);
}

fn all_formats_parse(results: &Path) {
    let read = |name: &str| std::fs::read_to_string(results.join(name)).unwrap();
    let _: Evaluation = serde_json::from_str(&read("evaluation.json")).unwrap();
    let junit = read("evaluation.junit.xml");
    let cases = |text: &str, name: &str| {
        roxmltree::Document::parse(text).unwrap().descendants().filter(|node| node.has_tag_name(name)).count()
    };
    assert_eq!((cases(&junit, "testcase"), cases(&junit, "failure")), (15, 0), "{junit}");
    let page = read("evaluation.html");
    assert_eq!(cases(page.strip_prefix("<!DOCTYPE html>").unwrap(), "table"), 4);
    assert!(read("evaluation.txt").ends_with("\n15 passed\n"));
}

fn a_baseline_is_compared(world: &World) {
    let path = world.path("results/evaluation.json");
    let mut before: Evaluation = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let steps = before.cases.iter_mut().find(|case| case.part == Part::Steps).unwrap();
    let value = steps.value.replace(1.0).unwrap();
    std::fs::write(world.path("better.json"), serde_json::to_string(&before).unwrap()).unwrap();
    let compare = |file: &str| {
        let file = world.path(file).display().to_string();
        seedbed(world, &["evaluate", "--only", "steps", "--baseline", &file])
    };
    let (code, data, _) = compare("better.json");
    assert_eq!((code, data.contains("worse    seedbed: ")), (6, true), "{value} is more than 1: {data}");
    let (code, data, talk) = compare("results/evaluation.json");
    assert_eq!((code, data.ends_with("4 passed\n")), (0, true), "{talk}{data}");
    let (code, _, talk) = compare("nowhere.json");
    assert_eq!((code, talk.contains("nowhere.json cannot be read")), (3, true), "{talk}");
}
