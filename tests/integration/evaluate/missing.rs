//! The repository with a missing CRD: it stops, its kind is named, and nothing of it stays, whatever happens meanwhile.

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use seedbed::evaluate::{Case, Evaluation, Outcome, Part};
use seedbed::flux::NAMESPACE;

use crate::gitops::{command, seedbed};
use crate::support::flux::World;
use crate::support::git::git;

const ONLY: [&str; 5] = ["evaluate", "--only", "order", "-o", "json"];

/// The Git host is as strict as the embedded one.
pub fn strict(world: &World) {
    for setting in ["receive.denyDeletes", "receive.denyNonFastForwards", "receive.fsckObjects"] {
        git(&world.path("remote.git"), &["config", setting, "true"]);
    }
}

/// What is left of a run that was killed is there for the next one to cope with.
pub async fn a_killed_run_leaves_it(world: &World) {
    let mut child = start(world);
    tried(world, &mut child).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let (objects, tags) = left(world).await;
    assert!(objects.len() >= 3 && tags.contains("seedbed-evaluate-"), "{objects:?} {tags}");
}

/// An interrupted one takes everything away first.
pub async fn an_interrupted_run_leaves_nothing(world: &World) {
    let mut child = start(world);
    tried(world, &mut child).await;
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{talk}");
    nothing_is_left(world).await;
}

/// A repository that takes no push: it is skipped, and says why.
pub async fn a_refused_push_is_skipped(world: &World) {
    let hook = world.path("remote.git/hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, PermissionsExt::from_mode(0o755)).unwrap();
    let (_, data, talk) = seedbed(world, &ONLY);
    std::fs::remove_file(&hook).unwrap();
    let evaluation: Evaluation = serde_json::from_str(&data).unwrap_or_else(|_| panic!("{talk}\n{data}"));
    for case in &evaluation.cases[evaluation.cases.len() - 2..] {
        assert!(case.outcome == Outcome::Skipped && case.detail.contains("pre-receive hook declined"), "{case:?}");
    }
    nothing_is_left(world).await;
}

/// The kind is named in time, and the tier after it made nothing.
pub fn it_stops_and_is_named(world: &World, cases: &[Case]) {
    let [named, stopped] = cases else { panic!("{cases:?}") };
    assert_eq!((named.name.as_str(), named.part), ("a missing CRD is named", Part::Order));
    assert_eq!(stopped.name, "nothing after a missing CRD is made");
    assert_eq!((named.outcome, stopped.outcome), (Outcome::Passed, Outcome::Passed), "{cases:?}\n{}", world.logs());
    let kind = "Kustomization/flux-system/seedbed-evaluate-first: ";
    let why = "no matches for kind \"NeverDefined\" in version \"evaluate.seedbed.invalid/v1\"";
    assert!(named.detail.starts_with(kind) && named.detail.contains(why), "{named:?}");
    let (told, sum) = (named.value.unwrap(), named.stretches.iter().map(|stretch| stretch.seconds).sum::<f64>());
    assert!(told > 0.0 && (told - sum).abs() < 0.01 && named.stretches.len() == 2, "{named:?}");
    let says = "ConfigMap/flux-system/seedbed-evaluate-second was not made; its tier says DependencyNotReady: ";
    assert!(stopped.detail.starts_with(says), "{stopped:?}");
}

pub async fn nothing_is_left(world: &World) {
    assert_eq!(left(world).await, (Vec::new(), String::new()));
}

fn start(world: &World) -> Child {
    let mut command: Command = command(world, &ONLY);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until Flux has tried the first tier.
async fn tried(world: &World, child: &mut Child) {
    let (api, end) = (tiers(world), Instant::now() + Duration::from_secs(120));
    loop {
        let first = api.get_opt("seedbed-evaluate-first").await.unwrap();
        if first.is_some_and(|first| first.data["status"]["lastAttemptedRevision"].is_string()) {
            return;
        }
        assert_eq!(child.try_wait().unwrap(), None, "it ended early\n{}", world.logs());
        assert!(Instant::now() < end, "it was never tried\n{}", world.logs());
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn tiers(world: &World) -> Api<DynamicObject> {
    of_flux(world, "kustomize", "Kustomization", "kustomizations")
}

fn of_flux(world: &World, group: &str, kind: &str, plural: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk(&format!("{group}.toolkit.fluxcd.io"), "v1", kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    Api::namespaced_with(world.server.client.clone(), NAMESPACE, &resource)
}

/// The objects of it that are there, and all tags of the repository.
async fn left(world: &World) -> (Vec<String>, String) {
    let maps: Api<ConfigMap> = Api::namespaced(world.server.client.clone(), NAMESPACE);
    let sources = of_flux(world, "source", "GitRepository", "gitrepositories");
    let mut names: Vec<Option<String>> = Vec::new();
    for api in [tiers(world), sources] {
        names.extend(
            api.list(&ListParams::default()).await.unwrap().items.into_iter().map(|object| object.metadata.name),
        );
    }
    names.extend(maps.list(&ListParams::default()).await.unwrap().items.into_iter().map(|map| map.metadata.name));
    let ours = names.into_iter().flatten().filter(|name| name.starts_with("seedbed-evaluate")).collect();
    (ours, git(&world.path("remote.git"), &["tag", "--list"]))
}
