//! The client, server-side apply and waits against a real API server.

use std::time::Duration;

use engine::event::Events;
use engine::wait::Patience;
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Secret};
use kube::api::{Api, Patch, PatchParams, PostParams};
use seedbed::kube::{Applier, connect, kubeconfig, parse_documents, wait_ready};
use seedbed::phase::kubernetes::{Token, cni};
use seedbed::plan::Kvm;
use serde_json::json;

use crate::support::apiserver::ApiServer;
use crate::support::planned::{Borrowed, SPEC};

const PATIENCE: Patience = Patience::for_seconds(60).every(Duration::from_millis(200), Duration::from_secs(1));

/// A definition, an object of it, and what they lie in, in the worst order.
const MANIFEST: &str = r#"
apiVersion: example.com/v1
kind: Widget
metadata: {name: one, namespace: tools}
spec: {size: 3}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: tools}
data: {answer: "no"}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: tools}
"#;

/// One server for all of it: starting one takes seconds.
#[tokio::test(flavor = "multi_thread")]
async fn against_a_real_api_server() {
    let server = ApiServer::start().await;
    applying_twice_changes_nothing(&server).await;
    an_invalid_object_is_refused_with_its_name(&server).await;
    a_foreign_identity_is_refused(&server).await;
    the_kubeconfig_works(&server).await;
    a_node_that_is_not_ready_says_why(&server).await;
    a_token_is_published_and_forgotten(&server).await;
    flannel_is_accepted_to_the_last_field(&server).await;
}

async fn applying_twice_changes_nothing(server: &ApiServer) {
    let step = Events::ignored().step("test");
    let objects = parse_documents("test.yaml", MANIFEST).unwrap();
    let changed = Applier::new(server.client.clone(), &step, PATIENCE).apply(&objects).await.unwrap();
    let names: Vec<String> = changed.iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "Namespace/tools",
            "CustomResourceDefinition/widgets.example.com",
            "Widget/tools/one",
            "ConfigMap/tools/settings",
        ]
    );
    let changed = Applier::new(server.client.clone(), &step, PATIENCE).apply(&objects).await.unwrap();
    assert_eq!(changed, []);
    let maps: Api<ConfigMap> = Api::namespaced(server.client.clone(), "tools");
    assert_eq!(maps.get("settings").await.unwrap().data.unwrap()["answer"], "no");
    // A field that is wanted no more goes.
    let more = parse_documents("test.yaml", &MANIFEST.replace("{answer: ", "{more: less, answer: ")).unwrap();
    assert_eq!(Applier::new(server.client.clone(), &step, PATIENCE).apply(&more).await.unwrap().len(), 1);
    assert_eq!(maps.get("settings").await.unwrap().data.unwrap()["more"], "less");
    let changed = Applier::new(server.client.clone(), &step, PATIENCE).apply(&objects).await.unwrap();
    assert_eq!(changed.len(), 1);
    assert!(!maps.get("settings").await.unwrap().data.unwrap().contains_key("more"));
    // A field that somebody else changed comes back.
    let patch = Patch::Merge(json!({"data": {"answer": "yes"}}));
    maps.patch("settings", &PatchParams::default(), &patch).await.unwrap();
    let changed = Applier::new(server.client.clone(), &step, PATIENCE).apply(&objects).await.unwrap();
    assert_eq!(changed.len(), 1);
    assert_eq!(maps.get("settings").await.unwrap().data.unwrap()["answer"], "no");
}

async fn an_invalid_object_is_refused_with_its_name(server: &ApiServer) {
    let step = Events::ignored().step("test");
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Wrong_Name, namespace: default}\n";
    let objects = parse_documents("test.yaml", text).unwrap();
    let failure = Applier::new(server.client.clone(), &step, PATIENCE).apply(&objects).await.unwrap_err();
    assert_eq!(failure.what, "ConfigMap/default/Wrong_Name is applied");
    assert!(failure.causes[0].contains("RFC 1123"), "{failure}");
}

async fn a_foreign_identity_is_refused(server: &ApiServer) {
    let other = seedbed::identity::Identity::make("other", ["node"]).unwrap();
    let client = connect(&other, &server.url).unwrap();
    let error = client.apiserver_version().await.unwrap_err();
    let text = seedbed::kube::failed("the API is asked", &error).to_string();
    assert!(text.contains("certificate"), "{text}");
}

async fn the_kubeconfig_works(server: &ApiServer) {
    let text = kubeconfig("test", &server.url, &server.identity);
    let read = kube::config::Kubeconfig::from_yaml(&text).unwrap();
    let config = kube::Config::from_custom_kubeconfig(read, &kube::config::KubeConfigOptions::default()).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client, "tools");
    maps.get("settings").await.unwrap();
}

async fn a_node_that_is_not_ready_says_why(server: &ApiServer) {
    let step = Events::ignored().step("test");
    let nodes: Api<Node> = Api::all(server.client.clone());
    let node: Node = serde_json::from_value(json!({"metadata": {"name": "node"}})).unwrap();
    nodes.create(&PostParams::default(), &node).await.unwrap();
    let condition = |status: &str, message: &str| {
        Patch::Merge(json!({"status": {
            "conditions": [{"type": "Ready", "status": status, "reason": "Kubelet", "message": message}],
            "nodeInfo": {"kubeletVersion": "v1.36.3"},
        }}))
    };
    let why = "container runtime network not ready: cni plugin not initialized";
    nodes.patch_status("node", &PatchParams::default(), &condition("False", why)).await.unwrap();
    let short = Patience::for_seconds(2).every(Duration::from_millis(200), Duration::from_secs(1));
    let failure = wait_ready(&server.client, &step, "node", short).await.unwrap_err();
    assert_eq!(failure.to_string(), format!("node node is Ready: not so after 2 s: {why}"));
    let failure = wait_ready(&server.client, &step, "absent", short).await.unwrap_err();
    assert!(failure.to_string().ends_with("its kubelet has not registered"), "{failure}");
    nodes.patch_status("node", &PatchParams::default(), &condition("True", "kubelet is posting")).await.unwrap();
    assert_eq!(wait_ready(&server.client, &step, "node", short).await.unwrap(), "v1.36.3");
}

async fn a_token_is_published_and_forgotten(server: &ApiServer) {
    let events = Events::ignored();
    let step = events.step("test");
    let token = Token::make(&step);
    token.publish(&server.client, &step, PATIENCE).await.unwrap();
    token.publish(&server.client, &step, PATIENCE).await.unwrap();
    let secrets: Api<Secret> = Api::namespaced(server.client.clone(), "kube-system");
    let found = secrets.list(&kube::api::ListParams::default()).await.unwrap();
    let names: Vec<_> = found.items.iter().filter_map(|secret| secret.metadata.name.clone()).collect();
    let (id, secret) = token.text().split_once('.').map(|(id, secret)| (id.to_owned(), secret.to_owned())).unwrap();
    assert!(names.contains(&format!("bootstrap-token-{id}")), "{names:?}");
    assert_eq!(events.secrets().mask(secret), "********");
    // Nobody signs here: the controller manager does not run.
    let maps: Api<ConfigMap> = Api::namespaced(server.client.clone(), "kube-public");
    let info = json!({"metadata": {"name": "cluster-info"}, "data": {"kubeconfig": "x"}});
    maps.create(&PostParams::default(), &serde_json::from_value(info).unwrap()).await.unwrap();
    let short = Patience::for_seconds(2).every(Duration::from_millis(200), Duration::from_secs(1));
    let failure = token.wait_signed(&server.client, &step, short).await.unwrap_err();
    assert!(failure.to_string().ends_with("the controller manager has not signed it"), "{failure}");
    let signed = Patch::Merge(json!({"data": {format!("jws-kubeconfig-{id}"): "signature"}}));
    maps.patch("cluster-info", &PatchParams::default(), &signed).await.unwrap();
    token.wait_signed(&server.client, &step, short).await.unwrap();
    token.forget(&server.client, &step, PATIENCE).await.unwrap();
    token.forget(&server.client, &step, PATIENCE).await.unwrap();
}

/// Server-side apply without `force` and validation lets unknown fields pass; strictly, a wrong one is an error.
async fn flannel_is_accepted_to_the_last_field(server: &ApiServer) {
    let step = Events::ignored().step("test");
    let borrowed = Borrowed::of(SPEC, Kvm::Works);
    let ground = borrowed.ground();
    let objects = cni::objects(&ground).unwrap();
    let mut applier = Applier::new(server.client.clone(), &step, PATIENCE);
    assert_eq!(applier.apply(&objects).await.unwrap().len(), objects.len());
    for object in &objects {
        let mut strict = PatchParams::apply("test").force();
        strict.field_validation = Some(kube::api::ValidationDirective::Strict);
        let api = applier.api_of(object).await.unwrap();
        api.patch(object.metadata.name.as_deref().unwrap(), &strict, &Patch::Apply(object)).await.unwrap();
    }
    let sets: Api<DaemonSet> = Api::namespaced(server.client.clone(), "kube-flannel");
    let pod = sets.get("kube-flannel-ds").await.unwrap().spec.unwrap().template.spec.unwrap();
    assert_eq!(pod.containers[0].image.as_deref(), Some("ghcr.io/flannel-io/flannel:v0.26.7"));
}
