//! What the API says: nodes, pods, events, objects of Flux and the judge's word on them, and the controllers' logs.
//!
//! Secrets are listed by name only; their values are kept in memory, to be masked wherever they turn up.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::event::{Secrets, Step};
use engine::failure::{Failure, Result};
use futures::FutureExt as _;
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{GetParams, ListParams, Request};
use serde_json::Value;

use super::collector::{Collector, Level};
use super::ground::{Applied, Ground};
use super::logs;
use crate::flux::{self, Reader, Snapshot};
use crate::kube::{NodeState, connect, failed, node_state, server_url};

/// The most that is listed of one kind.
const MOST: u32 = 3000;

pub async fn gather(ground: &Ground<'_>, to: &Collector, step: &Step) {
    let (identity, applied) = match ground.reach() {
        Ok(reach) => reach,
        Err(why) => return to.lacks("kubernetes", why),
    };
    let step = step.child("Kubernetes");
    let server = server_url(applied.kubernetes.address, applied.kubernetes.port);
    let ready = async {
        let client = connect(identity, &server)?;
        let said = ready(&client, &server).await?;
        Ok((client, said))
    };
    match to.source("kubernetes", 8, ready).await {
        Ok((client, said)) => {
            to.put("kubernetes/readyz.txt", said);
            everything(&client, ground, applied, to, &step).boxed_local().await;
        }
        Err(failure) => {
            let hint = "See why in hosts/: overview.txt, kubelet.log and static-pods.log of the control plane.";
            to.problem(Level::Api, failure.hint(hint));
        }
    }
    step.finish(false);
}

/// Whether the API answers; one that says what it lacks does.
async fn ready(client: &Client, server: &str) -> Result<String> {
    let request = Request::new("").get("readyz", &GetParams::default());
    let request = request.map_err(|error| Failure::other("a request to the API").because(&error))?;
    match client.request_text(request).await {
        Ok(text) => Ok(text),
        Err(kube::Error::Api(status)) if status.code >= 500 => Ok(status.message),
        Err(error) => Err(failed(format!("the API at {server} does not answer"), &error)),
    }
}

async fn everything(client: &Client, ground: &Ground<'_>, applied: &Applied, to: &Collector, step: &Step) {
    let secrets = step.events().secrets();
    // What tells most comes first: on a slow machine the many logs would take its time.
    tokio::join!(
        names_of_secrets(client, secrets, to),
        nodes(client, applied, to),
        repository(client, ground, applied, to),
    );
    tokio::join!(pods(client, to), events(client, to));
}

async fn list(client: &Client, path: &str) -> Result<Vec<Value>> {
    let what = || format!("{path} cannot be listed");
    let request = Request::new(path).list(&ListParams::default().limit(MOST));
    let request = request.map_err(|error| Failure::other(what()).because(&error))?;
    let mut answer: Value = client.request(request).await.map_err(|error| failed(what(), &error))?;
    Ok(match answer["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    })
}

async fn names_of_secrets(client: &Client, secrets: &Secrets, to: &Collector) {
    let name = "kubernetes/secrets.txt";
    let Ok(items) = to.source(name, 10, list(client, "/api/v1/secrets")).await else { return };
    let mut names = String::new();
    for item in &items {
        let text = |pointer| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let kind = text("/type");
        names.push_str(&format!("{}/{}  {kind}\n", text("/metadata/namespace"), text("/metadata/name")));
        // The storage of a release is the chart's manifest, megabytes of it.
        if kind != "helm.sh/release.v1" {
            item["data"].as_object().into_iter().flatten().for_each(|(key, value)| register(key, value, secrets));
        }
    }
    to.put(name, names);
}

/// Keeps in mind a value of a Secret, unless it is public or a word that any line may hold.
fn register(key: &str, value: &Value, secrets: &Secrets) {
    let public = ["ca.crt", "tls.crt", "known_hosts", "identity.pub", "namespace", "username"].contains(&key);
    let decoded = value.as_str().and_then(|value| STANDARD.decode(value).ok());
    if let Some(text) = decoded.and_then(|bytes| String::from_utf8(bytes).ok())
        && !public
        && text.trim().len() >= 8
    {
        secrets.register(&text);
    }
}

async fn nodes(client: &Client, applied: &Applied, to: &Collector) {
    let name = "kubernetes/nodes.json";
    let Ok(items) = to.source(name, 10, list(client, "/api/v1/nodes")).await else { return };
    let nodes: Vec<Node> = items.iter().filter_map(|item| serde_json::from_value(item.clone()).ok()).collect();
    for planned in &applied.nodes {
        let found = nodes.iter().find(|node| node.metadata.name.as_deref() == Some(&planned.name));
        let what = match node_state(found) {
            NodeState::Ready(_) => continue,
            NodeState::NotReady(why) => Failure::step(format!("the node {} is not Ready", planned.name)).cause(why),
            NodeState::Absent => Failure::step(format!("the node {} is not in the cluster", planned.name)),
        };
        let hint = format!("See hosts/{}/kubelet.log.", planned.name);
        to.problem(Level::Node, what.hint(hint));
    }
    to.put(name, Value::Array(items));
}

async fn pods(client: &Client, to: &Collector) {
    let name = "kubernetes/pods.json";
    let Ok(items) = to.source(name, 10, list(client, "/api/v1/pods")).await else { return };
    logs::gather(client, &items, to).await;
    to.put(name, Value::Array(items));
}

async fn events(client: &Client, to: &Collector) {
    let name = "kubernetes/events.json";
    let Ok(mut items) = to.source(name, 10, list(client, "/api/v1/events")).await else { return };
    items.sort_by_key(time);
    to.put("kubernetes/events.txt", items.iter().map(event).collect::<String>());
    to.put(name, Value::Array(items));
}

fn time(event: &Value) -> String {
    let times = ["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    times.iter().find_map(|pointer| event.pointer(pointer)?.as_str()).unwrap_or_default().to_owned()
}

/// One line: when, what it is about, and what happened.
fn event(event: &Value) -> String {
    let text = |pointer| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    format!(
        "{}  {}  {}/{}/{}  {}: {}\n",
        time(event),
        text("/type"),
        text("/involvedObject/kind"),
        text("/involvedObject/namespace"),
        text("/involvedObject/name"),
        text("/reason"),
        text("/message").trim_end().replace('\n', "\n    "),
    )
}

/// The objects of Flux and the workloads, and the one cause why they are not Ready.
async fn repository(client: &Client, ground: &Ground<'_>, applied: &Applied, to: &Collector) {
    let name = "kubernetes/flux.json";
    let Ok(snapshot) = to.source(name, 14, Reader::new(client.clone()).read(true)).await else { return };
    if ground.cluster.gitops.is_some() {
        let nodes: Vec<String> = applied.nodes.iter().map(|node| node.name.clone()).collect();
        let judged = async { Ok(flux::cause(client, &snapshot, &nodes).await) };
        if let Ok(Some(failure)) = to.source("the judge of kubernetes/flux.json", 8, judged).await {
            to.problem(Level::Repository, failure);
        }
    }
    let of = |keep: &dyn Fn(&flux::Object) -> bool| {
        Value::Array(snapshot.objects.iter().filter(|object| keep(object)).map(|object| object.0.clone()).collect())
    };
    to.put(name, of(&|object| object.is_flux()));
    // Pods, nodes and events have files of their own.
    let workload = |object: &flux::Object| !object.is_flux() && !matches!(object.kind(), "Pod" | "Node" | "Event");
    to.put("kubernetes/workloads.json", of(&workload));
    to.put("kubernetes/flux.txt", table(&snapshot));
}

/// Every object of Flux in a line, as `status` has it.
fn table(snapshot: &Snapshot) -> String {
    let line = |object: flux::ObjectStatus| {
        let state = match (object.suspended, object.ready) {
            (true, _) => "suspended",
            (false, true) => "Ready",
            (false, false) => "not Ready",
        };
        format!("{}  {state}  {}\n", object.key, object.message.replace('\n', "\n    "))
    };
    flux::status_of(snapshot).into_iter().map(line).collect()
}
