//! `gitops diff` against what real controllers applied: the same files differ in nothing, a change in what it changes.

use engine::event::Events;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::Api;
use seedbed::flux::Key;
use seedbed::githost::Source;
use seedbed::gitops::diff::{Action, Diff, Kustomize, compare_tree, export, text};
use seedbed::report::Paint;

use crate::support::flux::World;
use crate::support::programs::program;

const TIERS: &str = r"
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: plain, namespace: flux-system}
spec:
  sourceRef: {kind: GitRepository, name: flux-system}
  path: ./plain
  prune: true
  wait: true
  interval: 10m
  retryInterval: 5s
  timeout: 1m
  commonMetadata: {labels: {team: garden}}
  postBuild:
    substitute: {greeting: hello}
    substituteFrom: [{kind: Secret, name: variables}, {kind: ConfigMap, name: none, optional: true}]
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: overlay, namespace: flux-system}
spec:
  dependsOn: [{name: plain}]
  sourceRef: {kind: GitRepository, name: flux-system}
  path: ./overlay
  targetNamespace: apps
  prune: true
  wait: true
  interval: 10m
  retryInterval: 5s
  timeout: 1m
  patches:
    - target: {kind: ConfigMap}
      patch: |
        - {op: add, path: /data/patched, value: by-the-tier}
";

/// What the variables come from, applied by the first tier of all.
const VARIABLES: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: variables, namespace: flux-system}\nstringData: {password: very-secret-value}\n";

const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: apps}\n";

const MAPS: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: apps}
data: {greeting: "${greeting}", count: "${count:-three}", login: "me:${password}", shell: "$${HOME}"}
---
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: apps}
stringData: {token: first-token, same: same-token}
"#;

const GONE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gone, namespace: apps}\n";

const OVERLAY: &str =
    "resources: [map.yaml]\nnamePrefix: web-\nconfigMapGenerator:\n  - {name: generated, literals: [a=1]}\n";

const FILES: [(&str, &str); 7] = [
    ("clusters/test/tiers.yaml", TIERS),
    ("clusters/test/variables.yaml", VARIABLES),
    ("plain/namespace.yaml", NAMESPACE),
    ("plain/deep/maps.yml", MAPS),
    ("plain/gone.yaml", GONE),
    ("overlay/kustomization.yaml", OVERLAY),
    ("overlay/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {a: '1'}\n"),
];

async fn diff(world: &World, commit: Option<&str>) -> (Diff, String) {
    let source = Source::open(&world.path("source"), &world.path("store")).await.unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let tree = scratch.path().join("tree");
    let name = export(&source, "main", commit, &tree).await.unwrap();
    let step = Events::ignored().step("diff");
    let kustomize = Kustomize { kubectl: program("kubectl"), tree };
    let diff = compare_tree(&world.server.client, &kustomize, name, &step).await.unwrap();
    let shown = step.events().secrets().mask(text(&diff, Paint::Never));
    (diff, shown)
}

fn write(world: &World, name: &str, text: &str) {
    let path = world.path("source").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diff_says_what_flux_would_do() {
    let world = World::start().await;
    let head = world.repository(&FILES);
    world.up(240).await.unwrap_or_else(|failure| panic!("{failure:#?}\n{}", world.logs()));
    let (same, shown) = diff(&world, None).await;
    assert_eq!((same.differences.as_slice(), same.unknown.as_slice()), (&[][..], &[][..]), "{shown}");
    assert_eq!(same.unchanged, 9, "{shown}");
    change(&world);
    let (changed, shown) = diff(&world, None).await;
    insta::assert_snapshot!("diff", shown.replace(&head[..12], "COMMIT"));
    assert!(!shown.contains("very-secret") && !shown.contains("-token"), "{shown}");
    assert!(changed.fails(), "an object is refused");
    let (committed, _) = diff(&world, Some("main")).await;
    assert_eq!(committed.differences, [], "the commit is what is there");
    let settings: Api<ConfigMap> = Api::namespaced(world.server.client.clone(), "apps");
    assert_eq!(settings.get("settings").await.unwrap().data.unwrap()["greeting"], "hello", "a look alters nothing");
    flux_does_as_was_said(&world, &changed).await;
}

/// Nothing of it is committed.
fn change(world: &World) {
    write(world, "clusters/test/tiers.yaml", &TIERS.replace("greeting: hello", "greeting: good-day"));
    write(world, "plain/deep/maps.yml", &MAPS.replace("first-token", "other-token"));
    std::fs::remove_file(world.path("source").join("plain/gone.yaml")).unwrap();
    write(world, "overlay/kustomization.yaml", &OVERLAY.replace("a=1", "a=2"));
    let new = "apiVersion: v1\nkind: Namespace\nmetadata: {name: new}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: born, namespace: new}\ndata: {a: b}\n";
    write(world, "plain/new.yaml", new);
    let refused = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name, namespace: apps}\n";
    write(world, "plain/refused.yaml", refused);
    let only_flux =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shell, namespace: apps}\ndata: {a: \"${greeting/a/b}\"}\n";
    write(world, "plain/only-flux.yaml", only_flux);
    write(world, "plain/encrypted.yaml", include_str!("fixtures/sops/root.yaml"));
}

/// Without what would be refused, Flux does what was said, and then nothing is left to do.
async fn flux_does_as_was_said(world: &World, said: &Diff) {
    for name in ["refused", "only-flux", "encrypted"] {
        std::fs::remove_file(world.path("source").join(format!("plain/{name}.yaml"))).unwrap();
    }
    world.commit(&[]);
    world.up(240).await.unwrap_or_else(|failure| panic!("{failure:#?}\n{}", world.logs()));
    let (after, shown) = diff(world, None).await;
    assert_eq!((after.differences.as_slice(), after.unknown.as_slice()), (&[][..], &[][..]), "{shown}");
    let pruned: Vec<&Key> =
        said.differences.iter().filter(|one| one.action == Action::Pruned).map(|one| &one.object).collect();
    assert!(pruned.len() == 2 && pruned.iter().any(|key| key.name == "gone"), "{pruned:?}");
    let maps: Api<ConfigMap> = Api::namespaced(world.server.client.clone(), "apps");
    for key in pruned {
        assert!(maps.get_opt(&key.name).await.unwrap().is_none(), "{key}");
    }
}
