//! Everything that Ready depends on, read from the API at one time.

use std::collections::BTreeSet;

use engine::failure::Result;
use kube::Client;
use kube::api::{ListParams, Request};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Object;
use super::object::is_flux_group;
use crate::kube::failed;

/// What one look found: a file of it is a fixture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub objects: Vec<Object>,
}

/// One resource of the API: where its list is, and what its items are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Resource {
    path: String,
    api_version: String,
    kind: String,
}

/// Workloads and what they run, read after the Flux objects that apply them.
const WORKLOADS: [(&str, &str, &str); 7] = [
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "StatefulSet", "statefulsets"),
    ("apps/v1", "DaemonSet", "daemonsets"),
    ("batch/v1", "Job", "jobs"),
    ("apps/v1", "ReplicaSet", "replicasets"),
    ("v1", "Pod", "pods"),
    ("v1", "Node", "nodes"),
];

/// Looks after which the kinds of Flux are asked for again: a synced manifest may bring new ones.
const REFRESH: u32 = 10;

/// Looks after which a kind that had no objects is asked for again.
const EMPTY: u32 = 3;

/// Reads snapshots. Remembers which kinds Flux has, and which of all have no objects.
pub struct Reader {
    client: Client,
    flux: Vec<Resource>,
    /// Their paths.
    empty: BTreeSet<String>,
    looks: u32,
}

impl Reader {
    pub fn new(client: Client) -> Self {
        Self { client, flux: Vec::new(), empty: BTreeSet::new(), looks: 0 }
    }

    /// Reads everything. `fresh` asks etcd rather than the API server's cache, which may lag; otherwise kinds that had
    /// no objects are left out at most looks, for half of all kinds have none.
    ///
    /// What applies others is read before them, so that a parent that is Ready has its children in the snapshot.
    pub async fn read(&mut self, fresh: bool) -> Result<Snapshot> {
        if self.looks.is_multiple_of(REFRESH) || self.flux.is_empty() {
            self.flux = flux_resources(&self.client).await?;
        }
        if fresh || self.looks.is_multiple_of(EMPTY) {
            self.empty.clear();
        }
        self.looks = self.looks.wrapping_add(1);
        let workloads = WORKLOADS.map(|(version, kind, plural)| resource(version, kind, plural));
        let mut objects = Vec::new();
        for resource in self.flux.iter().chain(&workloads) {
            if self.empty.contains(&resource.path) {
                continue;
            }
            let found = list(&self.client, resource, fresh).await?;
            if found.is_empty() {
                self.empty.insert(resource.path.clone());
            }
            objects.extend(found);
        }
        objects.extend(warnings(&self.client, &objects, fresh).await?);
        Ok(Snapshot { objects })
    }
}

impl Reader {
    /// Has the next look leave nothing out.
    pub fn leave_nothing_out(&mut self) {
        self.empty.clear();
    }
}

impl Snapshot {
    /// The objects that Flux reconciles.
    pub fn flux(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(|object| object.is_flux())
    }

    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object> {
        self.objects.iter().filter(move |object| object.kind() == kind)
    }
}

/// The Git sources and the tiers alone: what says quickly how far a revision is.
pub async fn read_tiers(client: &Client) -> Result<Snapshot> {
    let kinds = [
        ("source.toolkit.fluxcd.io/v1", "GitRepository", "gitrepositories"),
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "kustomizations"),
    ];
    read_kinds(client, &kinds).await
}

/// What applies others: the Kustomizations and the releases.
pub async fn read_appliers(client: &Client) -> Result<Snapshot> {
    let kinds = [
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "kustomizations"),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease", "helmreleases"),
    ];
    read_kinds(client, &kinds).await
}

async fn read_kinds(client: &Client, kinds: &[(&str, &str, &str)]) -> Result<Snapshot> {
    let mut objects = Vec::new();
    for (version, kind, plural) in kinds {
        objects.extend(list(client, &resource(version, kind, plural), false).await?);
    }
    Ok(Snapshot { objects })
}

/// The kinds of Flux in the order of reading: what applies others first.
async fn flux_resources(client: &Client) -> Result<Vec<Resource>> {
    let groups = client.list_api_groups().await.map_err(|error| failed("the API's groups cannot be read", &error))?;
    let mut found = Vec::new();
    for group in groups.groups.iter().filter(|group| is_flux_group(&group.name)) {
        let preferred = group.preferred_version.as_ref().or(group.versions.first());
        let Some(version) = preferred.map(|version| version.group_version.as_str()) else { continue };
        // Kinds whose newest version is older than the group's are only in that one.
        for version in std::iter::once(version).chain(group.versions.iter().map(|v| v.group_version.as_str())) {
            let resources = client
                .list_api_group_resources(version)
                .await
                .map_err(|error| failed(format!("the resources of {version} cannot be read"), &error))?;
            for api in resources.resources.iter().filter(|api| !api.name.contains('/')) {
                if !found.iter().any(|known: &Resource| known.kind == api.kind) {
                    found.push(resource(version, &api.kind, &api.name));
                }
            }
        }
    }
    let order = |resource: &Resource| match resource.kind.as_str() {
        "Kustomization" => 0,
        "HelmRelease" => 1,
        _ => 2,
    };
    found.sort_by_key(order);
    Ok(found)
}

fn resource(api_version: &str, kind: &str, plural: &str) -> Resource {
    let root = if api_version.contains('/') { "apis" } else { "api" };
    Resource {
        path: format!("/{root}/{api_version}/{plural}"),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
    }
}

async fn list(client: &Client, resource: &Resource, fresh: bool) -> Result<Vec<Object>> {
    let failure = |error: &kube::Error| failed(format!("the list of {} cannot be read", resource.kind), error);
    let mut answer = match get(client, &resource.path, fresh).await {
        Ok(answer) => answer,
        // A kind that went since it was discovered.
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Vec::new()),
        Err(error) => return Err(failure(&error)),
    };
    let Some(items) = answer["items"].as_array_mut() else { return Ok(Vec::new()) };
    let objects = items.drain(..).map(|mut item| {
        item["apiVersion"] = resource.api_version.as_str().into();
        item["kind"] = resource.kind.as_str().into();
        if let Some(metadata) = item["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        Object(item)
    });
    Ok(objects.collect())
}

/// The warnings in the namespaces where a pod is not Ready: they tell how often something was tried.
async fn warnings(client: &Client, objects: &[Object], fresh: bool) -> Result<Vec<Object>> {
    let unready = |object: &&Object| match object.kind() {
        "Pod" => object.condition("Ready").is_none_or(|ready| ready.status != "True"),
        "ReplicaSet" => object.condition("ReplicaFailure").is_some(),
        _ => false,
    };
    let namespaces: BTreeSet<&str> = objects.iter().filter(unready).map(Object::namespace).collect();
    let mut found = Vec::new();
    for namespace in namespaces {
        let path = format!("/api/v1/namespaces/{namespace}/events");
        let mut events = resource("v1", "Event", "events");
        events.path = path;
        found.extend(list(client, &events, fresh).await?.into_iter().filter(|event| event.text("/type") == "Warning"));
    }
    Ok(found)
}

async fn get(client: &Client, path: &str, fresh: bool) -> Result<Value, kube::Error> {
    let parameters = if fresh { ListParams::default() } else { ListParams::default().match_any() };
    let request = Request::new(path).list(&parameters).map_err(kube::Error::BuildRequest)?;
    client.request(request).await
}
