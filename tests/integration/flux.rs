//! Flux against a real API server: installed by server-side apply, and where its controllers are at hand, synced.

use std::time::{Duration, Instant};

use engine::failure::{Failure, Kind};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use kube::api::{Api, Patch, PatchParams};
use seedbed::flux::{self, NAMESPACE};
use seedbed::githost::webhook_path;
use serde_json::json;

use crate::support::flux::{WEBHOOK, World};

#[tokio::test(flavor = "multi_thread")]
async fn flux_is_installed_once() {
    let world = World::installed().await;
    assert_eq!(world.install().await, Vec::<String>::new());
    let client = &world.server.client;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let deployment = deployments.get("kustomize-controller").await.unwrap();
    let pod = deployment.spec.unwrap().template.spec.unwrap();
    assert_eq!(pod.service_account_name.as_deref(), Some("kustomize-controller"));
    let container = &pod.containers[0];
    assert_eq!(container.image.as_deref(), Some("ghcr.io/fluxcd/kustomize-controller:v1.2.3"));
    let arguments = container.args.as_ref().unwrap();
    assert!(arguments.contains(&"--requeue-dependency=5s".to_owned()), "{arguments:?}");
    assert!(arguments[0].starts_with("--events-addr="), "{arguments:?}");
    let services: Api<Service> = Api::namespaced(client.clone(), NAMESPACE);
    let receiver = services.get("webhook-receiver").await.unwrap();
    assert_eq!(receiver.spec.unwrap().cluster_ip, Some(WEBHOOK.to_string()));
    let status = flux::status(client).await.unwrap();
    let kinds: Vec<String> = status.iter().map(|object| object.key.to_string()).collect();
    let first = ["Kustomization/flux-system/flux-system", "Receiver/flux-system/flux-system"];
    assert!(first.iter().all(|key| kinds.iter().any(|kind| kind == key)), "{kinds:?}");
    assert!(status.iter().all(|object| !object.ready));
}

const INFRASTRUCTURE: &str = r"
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: infrastructure, namespace: flux-system}
spec:
  sourceRef: {kind: GitRepository, name: flux-system}
  path: ./infrastructure
  prune: true
  wait: true
  interval: 10m
  retryInterval: 20s
  timeout: 1m
";

const APPS: &str = r"
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  dependsOn: [{name: infrastructure}]
  sourceRef: {kind: GitRepository, name: flux-system}
  path: ./apps
  prune: true
  wait: true
  interval: 10m
  retryInterval: 20s
  timeout: 2m
";

const NAMESPACE_APPS: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: apps}\n";

const RELEASE: &str = r"
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: settings, namespace: apps}
spec:
  interval: 10m
  chart:
    spec:
      chart: ./charts/settings
      sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}
      interval: 1m
      reconcileStrategy: Revision
  values: {answer: first}
";

/// What `flux bootstrap` leaves in a repository: it must not replace ours.
const THEIR_COMPONENTS: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata:
  name: source-controller
  namespace: flux-system
  labels: {app.kubernetes.io/part-of: flux, app.kubernetes.io/instance: flux-system}
spec:
  selector: {matchLabels: {app: source-controller}}
  template:
    metadata: {labels: {app: source-controller}}
    spec: {containers: [{name: manager, image: "ghcr.io/fluxcd/source-controller:v0.0.1"}]}
"#;

const THEIR_SYNC: &str = r#"
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m, url: "ssh://git@github.com/them/theirs", ref: {branch: main}, secretRef: {name: flux-system}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 10m, path: ./clusters/theirs, prune: true, sourceRef: {kind: GitRepository, name: flux-system}}
"#;

const FILES: [(&str, &str); 9] = [
    ("clusters/test/infrastructure.yaml", INFRASTRUCTURE),
    ("clusters/test/apps.yaml", APPS),
    ("clusters/test/flux-system/gotk-components.yaml", THEIR_COMPONENTS),
    ("clusters/test/flux-system/gotk-sync.yaml", THEIR_SYNC),
    ("clusters/test/flux-system/kustomization.yaml", "resources: [gotk-components.yaml, gotk-sync.yaml]\n"),
    ("infrastructure/namespace.yaml", NAMESPACE_APPS),
    ("apps/release.yaml", RELEASE),
    ("charts/settings/Chart.yaml", "apiVersion: v2\nname: settings\nversion: 0.1.0\n"),
    (
        "charts/settings/templates/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {answer: {{ .Values.answer }}}\n",
    ),
];

/// One world for all of it: what comes after a failure must heal it.
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_synced_by_real_controllers() {
    let world = World::start().await;
    world.repository(&FILES);
    becomes_ready(&world, "first").await;
    world.record("ready").await;
    their_flux_is_left_out(&world).await;
    a_push_calls_the_receiver(&world);
    world.commit(&[("apps/release.yaml", &RELEASE.replace("first", "second"))]);
    becomes_ready(&world, "second").await;
    a_push_is_followed(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_becomes_ready_is_named() {
    let world = World::start().await;
    world.repository(&FILES);
    becomes_ready(&world, "first").await;
    for (name, file, text, cause) in [
        ("build-failed", "apps/broken.yaml", "apiVersion: v1\nkind: ConfigMap\n  metadata: [\n", "BuildFailed"),
        ("suspended", "apps/broken.yaml", &suspended(), "is suspended"),
        ("cycle", "clusters/test/infrastructure.yaml", &cycle(), "apps -> infrastructure -> apps"),
        ("chart-missing", "apps/release.yaml", &RELEASE.replace("charts/settings", "charts/none"), "charts/none"),
        (
            "no-kind",
            "apps/broken.yaml",
            "apiVersion: example.com/v1\nkind: Nothing\nmetadata: {name: n, namespace: apps}\n",
            "no matches for kind",
        ),
    ] {
        fails(&world, name, (file, text), cause).await;
    }
    a_refused_key_is_permanent(&world).await;
}

async fn becomes_ready(world: &World, answer: &str) {
    let start = Instant::now();
    world.up(240).await.unwrap_or_else(|failure| panic!("{failure:#?}\n{}", world.logs()));
    eprintln!("Ready after {:?}", start.elapsed());
    let maps: Api<ConfigMap> = Api::namespaced(world.server.client.clone(), "apps");
    let map = maps.get("settings").await.expect("Ready means that the release's objects are there");
    assert_eq!(map.data.unwrap()["answer"], answer, "Ready was said of an older revision");
}

/// Commits something wrong, wants the cause, and mends it.
async fn fails(world: &World, name: &str, (file, text): (&str, &str), cause: &str) {
    world.commit(&[(file, text)]);
    let start = Instant::now();
    let Err(failure) = world.up(240).await else { panic!("{name}: it became Ready") };
    eprintln!("{name}: {:?}: {failure}\n{:?}", start.elapsed(), failure.evidence);
    world.record(name).await;
    assert_eq!(failure.kind, Kind::NotReady, "{name}: {failure:#?}");
    assert!(told(&failure).contains(cause), "{name}: {failure:#?}\n{}", world.logs());
    let mended = FILES.iter().find(|known| known.0 == file).map_or("", |known| known.1);
    // What is mended also says something new: Ready of the older revision would show.
    world.commit(&[(file, mended), ("apps/release.yaml", &RELEASE.replace("first", name))]);
    becomes_ready(world, name).await;
}

fn told(failure: &Failure) -> String {
    failure.causes.last().cloned().unwrap_or_default()
}

fn suspended() -> String {
    RELEASE.replace("name: settings", "name: asleep").replace("interval: 10m", "interval: 10m\n  suspend: true")
}

fn cycle() -> String {
    INFRASTRUCTURE.replace("spec:", "spec:\n  dependsOn: [{name: apps}]")
}

async fn their_flux_is_left_out(world: &World) {
    let deployments: Api<Deployment> = Api::namespaced(world.server.client.clone(), NAMESPACE);
    let pod = deployments.get("source-controller").await.unwrap().spec.unwrap().template.spec.unwrap();
    assert_eq!(pod.containers[0].image.as_deref(), Some("ghcr.io/fluxcd/source-controller:v1.2.3"));
    let status = flux::status(&world.server.client).await.unwrap();
    assert!(status.iter().all(|object| object.ready), "{status:#?}");
}

/// Nobody calls the Receiver here, and the source's interval is a minute: only the nudge makes it quick.
async fn a_push_is_followed(world: &World) {
    world.commit(&[("apps/release.yaml", &RELEASE.replace("first", "third"))]);
    let times = world.push(240).await.unwrap_or_else(|failure| panic!("{failure:#?}\n{}", world.logs()));
    eprintln!("{times:?}");
    assert!(times.fetched > Duration::ZERO, "{times:?}");
    assert!(times.fetched <= times.applied && times.applied <= times.ready, "{times:?}");
    assert!(times.fetched < Duration::from_secs(20), "{times:?}");
    let maps: Api<ConfigMap> = Api::namespaced(world.server.client.clone(), "apps");
    assert_eq!(maps.get("settings").await.unwrap().data.unwrap()["answer"], "third");
    world.commit(&[("apps/broken.yaml", "apiVersion: v1\nkind: ConfigMap\n  metadata: [\n")]);
    let failure = world.push(240).await.unwrap_err();
    assert_eq!(failure.kind, Kind::NotReady);
    assert!(told(&failure).contains("BuildFailed"), "{failure:#?}");
}

/// The hook of the Git host calls this path, which is planned before Flux exists.
fn a_push_calls_the_receiver(world: &World) {
    let path = webhook_path(world.sync.token.as_deref().unwrap(), flux::RECEIVER, NAMESPACE);
    let url = format!("http://127.0.0.1:{}{path}", world.receiver);
    let answer = std::process::Command::new("curl").args(["-sS", "--fail", "-X", "POST", "-d", "{}", &url]).output();
    let answer = answer.unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
}

async fn a_refused_key_is_permanent(world: &World) {
    let secrets: Api<Secret> = Api::namespaced(world.server.client.clone(), NAMESPACE);
    let other = world.path("other");
    let made =
        std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&other).status();
    assert!(made.unwrap().success());
    let patch = json!({"stringData": {"identity": std::fs::read_to_string(&other).unwrap()}});
    secrets.patch("flux-system", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    world.commit(&[("apps/release.yaml", RELEASE)]);
    let failure = world.up(120).await.unwrap_err();
    world.record("refused-key").await;
    assert!(told(&failure).contains("unable to authenticate"), "{failure:#?}");
}
