//! The repositories that `init` writes: consistent, also with an addition deleted, and taken by a real API server.

#[path = "starter/repository.rs"]
mod repository;

use std::path::Path;
use std::process::Command;

use engine::event::Events;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, pinned_kind};
use kube::{Client, ResourceExt as _};
use seedbed::flux::Object;
use seedbed::gitops::diff::Kustomize;
use seedbed::identity::Identity;
use seedbed::kube::{Applier, parse_documents};
use seedbed::plan::{self, Kvm, Site};
use seedbed::spec;
use seedbed::starter::{Starter, init};
use tempfile::TempDir;

use crate::support::flux::{PATIENCE, World};
use crate::support::programs::{manifest, program};
use repository::{Repository, is_tier, key, kind};

const NAME: &str = "garden";

/// What can be deleted from `full`.
const ADDITIONS: [&str; 8] =
    ["cert-manager", "headlamp", "istio", "local-path", "metallb", "metrics-server", "monitoring", "notifications"];

/// What no API server here serves: the definitions of image automation come with its controllers only.
const NOT_RUN: [&str; 4] = [
    "ImagePolicy/apps/sample",
    "ImagePolicy/apps/sample-main",
    "ImageRepository/apps/sample",
    "ImageUpdateAutomation/apps/images",
];

async fn written(starter: Starter) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    init(directory.path(), NAME, starter).await.unwrap();
    directory
}

fn problems(directory: &TempDir) -> Vec<String> {
    Repository::read(&directory.path().join("gitops")).problems()
}

#[tokio::test]
async fn both_starters_are_consistent() {
    for starter in [Starter::Minimal, Starter::Full] {
        let directory = written(starter).await;
        assert_eq!(problems(&directory), Vec::<String>::new(), "{starter:?}");
        let spec = directory.path().join("seedbed.yaml");
        spec::load(spec).unwrap_or_else(|failures| panic!("{starter:?}: {failures:#?}"));
    }
}

#[tokio::test]
async fn every_addition_can_be_deleted_as_the_readme_says() {
    for addition in ADDITIONS {
        let directory = written(Starter::Full).await;
        let root = directory.path().join("gitops");
        let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
        assert!(readme.contains(&format!("| `{addition}` |")), "{addition} is not in the README's table");
        let commands = readme.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let commands = commands.replace("name=headlamp", &format!("name={addition}"));
        let before = Repository::read(&root).objects.len();
        let ended = Command::new("sh").args(["-e", "-c", &commands]).current_dir(&root).status().unwrap();
        assert!(ended.success(), "{addition}: {commands}");
        let after = Repository::read(&root);
        assert!(after.objects.len() < before, "{addition}: nothing was deleted");
        assert_eq!(after.problems(), Vec::<String>::new(), "{addition}");
    }
}

/// The checks must be able to fail.
#[tokio::test]
async fn what_is_inconsistent_is_found() {
    let changes: [(&str, &str, &str, &str); 7] = [
        ("clusters/garden/configs.yaml", "name: controllers\n", "name: none\n", "depends on none"),
        ("clusters/garden/controllers.yaml", "spec:\n", "spec:\n  dependsOn: [{name: apps}]\n", "cycle"),
        ("clusters/garden/apps.yaml", "path: ./apps", "path: ./nowhere", "its path ./nowhere"),
        ("clusters/garden/apps.yaml", "  wait: true\n", "", "wait"),
        ("apps/kustomization.yaml", "  - istio\n", "", "apps/istio is not listed"),
        ("apps/kustomization.yaml", "  - istio\n", "  - istio\n  - gone.yaml\n", "gone.yaml"),
        ("infrastructure/controllers/metallb/release.yaml", "version: 0.16.1", "version: 0.x", "not pinned"),
    ];
    for (file, from, to, wanted) in changes {
        let directory = written(Starter::Full).await;
        let path = directory.path().join("gitops").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let found = problems(&directory);
        assert!(found.iter().any(|problem| problem.contains(wanted)), "{file}: {to}: {found:?}");
    }
    let directory = written(Starter::Full).await;
    std::fs::remove_dir_all(directory.path().join("gitops/infrastructure/controllers/metallb")).unwrap();
    let found = problems(&directory);
    assert!(found.iter().any(|problem| problem.contains("nobody brings metallb.io")), "{found:?}");
}

#[tokio::test]
async fn the_addresses_in_full_are_the_planned_ones() {
    let directory = written(Starter::Full).await;
    let cluster = spec::load(directory.path().join("seedbed.yaml")).unwrap();
    let identity = Identity::make(NAME, ["cp", "worker-1", "worker-2"]).unwrap();
    let plan = plan::make(&cluster, &Site { kvm: Kvm::Works, ..Site::default() }, &identity.public()).unwrap();
    let read = |file: &str| std::fs::read_to_string(directory.path().join("gitops").join(file)).unwrap();
    let (first, last) = plan.network.as_ref().unwrap().load_balancer;
    let pool = read("infrastructure/configs/metallb/pool.yaml");
    assert!(pool.contains(&format!("- {first}-{last}\n")), "{pool}");
    let git = read("image-automation/git.yaml");
    assert!(git.contains(&format!("ssh://git@{}/srv/git/{NAME}.git", plan.nodes[0].address)), "{git}");
}

/// Everything that Flux would apply is taken by a real API server, field by field, with the real definitions.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_api_server_takes_every_object() {
    let world = World::installed().await;
    let client = &world.server.client;
    apply(client, &parse_documents("starter-crds.yaml", &manifest("starter-crds")).unwrap()).await;
    for (starter, not_run, least) in [(Starter::Minimal, &[][..], 6), (Starter::Full, &NOT_RUN[..], 40)] {
        let directory = written(starter).await;
        let objects = rendered(&directory.path().join("gitops")).await;
        let namespaces: Vec<_> = objects.iter().filter(|object| kind(object) == "Namespace").cloned().collect();
        apply(client, &namespaces).await;
        let (mut taken, mut unknown, mut refused) = (0, Vec::new(), Vec::new());
        for object in &objects {
            match try_apply(client, object).await {
                Ok(true) => taken += 1,
                Ok(false) => unknown.push(key(object)),
                Err(error) => refused.push(format!("{}: {error}", key(object))),
            }
        }
        unknown.sort();
        assert_eq!(refused, Vec::<String>::new(), "{starter:?}");
        assert_eq!(unknown, not_run, "{starter:?}");
        assert!(taken >= least, "{starter:?}: only {taken} objects were rendered");
    }
    let readme = include_str!("../../README.md");
    for kind in NOT_RUN.map(|name| name.split('/').next().unwrap()) {
        assert!(readme.contains(kind), "the README does not name {kind} as not run");
    }
    a_wrong_field_is_refused(client).await;
}

/// Without this, a server that checks nothing would do.
async fn a_wrong_field_is_refused(client: &Client) {
    let text = "apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: a, namespace: metallb-system}\nspec: {ipAddressPool: [a]}\n";
    let object = parse_documents("wrong.yaml", text).unwrap().remove(0);
    let error = try_apply(client, &object).await.unwrap_err();
    assert!(error.contains("ipAddressPool"), "{error}");
}

/// Each tier and what kustomize makes of it, as Flux builds it.
async fn rendered(root: &Path) -> Vec<DynamicObject> {
    let kustomize = Kustomize { kubectl: program("kubectl"), tree: root.to_owned() };
    let mut all = Vec::new();
    for tier in Repository::read(root).objects.into_iter().filter(is_tier) {
        let value = serde_json::to_value(&tier).unwrap();
        let text = kustomize.build(&Object(value)).await.unwrap_or_else(|failure| panic!("{failure:#?}"));
        all.extend(parse_documents(&key(&tier), &text).unwrap());
        all.push(tier);
    }
    all
}

async fn apply(client: &Client, objects: &[DynamicObject]) {
    let step = Events::ignored().step("apply");
    Applier::new(client.clone(), &step, PATIENCE).apply(objects).await.unwrap();
}

/// A dry run on the server; false where the kind is not served.
async fn try_apply(client: &Client, object: &DynamicObject) -> Result<bool, String> {
    let of = GroupVersionKind::try_from(object.types.as_ref().unwrap()).unwrap();
    let (resource, scope) = match pinned_kind(client, &of).await {
        Ok((resource, capabilities)) => (resource, capabilities.scope),
        Err(kube::Error::Discovery(_)) => return Ok(false),
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(false),
        Err(error) => panic!("{error}"),
    };
    let api: Api<DynamicObject> = match scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => Api::namespaced_with(client.clone(), &object.namespace().unwrap(), &resource),
    };
    let how = PatchParams::apply("starter").force().dry_run();
    let answer = api.patch(&object.name_any(), &how, &Patch::Apply(object)).await;
    answer.map(|_| true).map_err(|error| error.to_string())
}
