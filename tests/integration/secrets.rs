//! The user's secrets, from where they are read to what Flux makes of them.

use engine::event::Events;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use seedbed::flux::{NAME, NAMESPACE};
use seedbed::phase::gitops::Secrets;
use seedbed::spec;

use crate::support::flux::World;

const AGE: &str = include_str!("fixtures/sops/age.agekey");
const ROOT: &str = include_str!("fixtures/sops/root.yaml");
const TIER: &str = include_str!("fixtures/sops/tier.yaml");

const SPEC: &str = r"
cluster: demo
nodes: [{name: cp, role: control-plane}]
gitops:
  source: .
  secrets:
    - {name: sops-age, data: {age.agekey: {file: age.agekey}}}
    - name: token
      namespace: apps
      data:
        file: {file: token}
        command: {command: [sh, ./command, one two]}
        environment: {env: CARGO_PKG_NAME}
  decryption: {secret: sops-age}
";

/// Names no Secret: the controller has one for it.
const TIERS: &str = r"
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: tier, namespace: flux-system}
spec:
  sourceRef: {kind: GitRepository, name: flux-system}
  path: ./tier
  prune: true
  wait: true
  interval: 10m
  retryInterval: 20s
  timeout: 1m
  decryption: {provider: sops}
";

/// A workstation: a spec, and what its secrets are read from.
struct Workstation {
    directory: tempfile::TempDir,
    events: Events,
}

impl Workstation {
    fn new() -> Self {
        let this = Self { directory: tempfile::tempdir().unwrap(), events: Events::ignored() };
        this.write("age.agekey", AGE);
        this.write("token", "file-value-1\n");
        this.write("command", "#!/bin/sh\nprintf 'command-value %s\\n' \"$1\"\n");
        this
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.directory.path().join(name), text).unwrap();
    }

    async fn read(&self, spec: &str) -> engine::failure::Result<Secrets, Vec<engine::failure::Failure>> {
        let cluster = spec::parse(spec, self.directory.path().join("seedbed.yaml")).unwrap();
        Secrets::read(&cluster, &self.events.step("up")).await
    }
}

async fn data(world: &World, namespace: &str, name: &str, key: &str) -> String {
    let api: Api<Secret> = Api::namespaced(world.server.client.clone(), namespace);
    let secret = api.get(name).await.unwrap_or_else(|error| panic!("{namespace}/{name}: {error}\n{}", world.logs()));
    String::from_utf8(secret.data.unwrap()[key].0.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_there_before_the_first_sync_and_decrypt_it() {
    let workstation = Workstation::new();
    let secrets = workstation.read(SPEC).await.unwrap();
    let masked = workstation.events.secrets().mask(format!("{AGE} file-value-1 command-value one two"));
    assert!(!masked.contains("AGE-SECRET-KEY") && !masked.contains("-value"), "{masked}");
    let shown = format!("{secrets:?}");
    assert!(shown.contains("sops-age") && !shown.contains("data"), "{shown}");
    let mut world = World::installed_with(secrets.0, Some("sops-age".into())).await;
    came_first(&world).await;
    assert_eq!(data(&world, "apps", "token", "file").await, "file-value-1\n");
    assert_eq!(data(&world, "apps", "token", "command").await, "command-value one two");
    assert_eq!(data(&world, "apps", "token", "environment").await, env!("CARGO_PKG_NAME"));
    world.run_controllers().await;
    world.repository(&[
        ("clusters/test/root.yaml", ROOT),
        ("clusters/test/tier.yaml", TIERS),
        ("tier/secret.yaml", TIER),
    ]);
    world.up(240).await.unwrap_or_else(|failure| panic!("{failure:#?}\n{}", world.logs()));
    for name in ["root", "tier"] {
        assert_eq!(data(&world, "apps", name, "password").await, "the-plain-text-of-sops");
    }
    a_changed_value_is_updated(&workstation, &mut world).await;
    what_the_spec_no_longer_lists_goes(&workstation, &mut world).await;
    etcd_has_them_encrypted(&world);
}

/// The API numbers what it writes.
async fn came_first(world: &World) {
    let number = |version: Option<String>| version.unwrap().parse::<u64>().unwrap();
    let secrets: Api<Secret> = Api::all(world.server.client.clone());
    let labelled = ListParams::default().labels("seedbed.internal/gitops-secret=true");
    let secrets = secrets.list(&labelled).await.unwrap().items;
    assert_eq!(secrets.len(), 2);
    for (group, kind) in [("source", "GitRepository"), ("kustomize", "Kustomization")] {
        let kind = GroupVersionKind::gvk(&format!("{group}.toolkit.fluxcd.io"), "v1", kind);
        let resource = ApiResource::from_gvk(&kind);
        let api: Api<DynamicObject> = Api::namespaced_with(world.server.client.clone(), NAMESPACE, &resource);
        let first = number(api.get(NAME).await.unwrap().resource_version());
        assert!(secrets.iter().all(|secret| number(secret.resource_version()) < first), "{kind:?}");
    }
}

async fn a_changed_value_is_updated(workstation: &Workstation, world: &mut World) {
    assert_eq!(world.install().await, Vec::<String>::new(), "the same values change nothing");
    workstation.write("token", "file-value-2\n");
    world.sync.secrets = workstation.read(SPEC).await.unwrap().0;
    assert_eq!(world.install().await, ["Secret/apps/token"]);
    assert_eq!(data(world, "apps", "token", "file").await, "file-value-2\n");
}

async fn what_the_spec_no_longer_lists_goes(workstation: &Workstation, world: &mut World) {
    let (before, rest) = SPEC.split_once("    - name: token").unwrap();
    let after = rest.split_once("  decryption").unwrap().1;
    let secrets = workstation.read(&format!("{before}  decryption{after}")).await.unwrap();
    world.sync.secrets = secrets.0;
    assert_eq!(world.install().await, ["Secret/apps/token"]);
    let left: Api<Secret> = Api::namespaced(world.server.client.clone(), "apps");
    let names: Vec<String> =
        left.list(&ListParams::default()).await.unwrap().iter().map(kube::ResourceExt::name_any).collect();
    assert_eq!(names, ["root", "tier"], "what Flux made stays");
}

fn etcd_has_them_encrypted(world: &World) {
    assert!(world.server.etcd_holds("k8s:enc:secretbox:v1:seedbed:"));
    assert!(world.server.etcd_holds("clusters/test"), "what is no secret is found as it is");
    let plain = ["file-value", "command-value", "AGE-SECRET-KEY", "the-plain-text-of-sops"];
    for secret in plain {
        assert!(!world.server.etcd_holds(secret), "{secret}");
    }
}

#[tokio::test]
async fn every_secret_that_cannot_be_read_is_named() {
    let workstation = Workstation::new();
    workstation.write("age.agekey", "no key\n");
    workstation.write("command", "#!/bin/sh\necho half-of-it\necho 'the store is locked' >&2\nexit 3\n");
    std::fs::remove_file(workstation.directory.path().join("token")).unwrap();
    let failures = workstation.read(SPEC).await.unwrap_err();
    let told: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told[0].contains("age.agekey of the secret flux-system/sops-age holds no age key"), "{told:#?}");
    assert!(told[1].starts_with("command of the secret apps/token cannot be read"), "{told:#?}");
    assert_eq!(failures[1].evidence.as_deref(), Some("the store is locked"), "its output is no evidence");
    assert!(told[2].contains("file of the secret apps/token cannot be read"), "{told:#?}");
}
