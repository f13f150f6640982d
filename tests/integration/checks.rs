//! The checks of a spec against a real API server: what answers is real HTTP on this machine.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use engine::event::Events;
use engine::failure::Kind;
use k8s_openapi::api::core::v1::{Endpoints, Node, Pod, Service};
use k8s_openapi::api::networking::v1::Ingress;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use seedbed::check::{self, Outcome, Way};
use seedbed::spec;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::apiserver::ApiServer;

/// Of loopback, and nobody's.
const BALANCER: &str = "127.0.66.44";
/// Kept for documentation (RFC 5737). The API server refuses to be a proxy to loopback.
const POD: &str = "192.0.2.66";

const METRICS: &str = "# TYPE errors_total counter\nerrors_total{code=\"500\"} 2\nerrors_total{code=\"404\"} 7\n";
const SERIES: &str =
    r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"a"},"value":[1,"1"]}]}}"#;

/// Answers a few paths until the test's process ends.
fn serve(address: &str, port: u16) -> u16 {
    let listener = TcpListener::bind((address, port)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        // A proxy may open a connection and never ask anything there.
        for stream in listener.incoming() {
            std::thread::spawn(move || answer(stream.unwrap()));
        }
    });
    port
}

fn answer(mut stream: TcpStream) {
    let lines: Vec<String> =
        BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let Some(path) = lines.first().and_then(|line| line.split(' ').nth(1)) else { return };
    let host = lines.iter().find_map(|line| line.to_lowercase().strip_prefix("host: ").map(str::to_owned));
    let (status, body) = match path {
        "/" => ("200 OK", format!("host {}", host.unwrap())),
        "/metrics" => ("200 OK", METRICS.into()),
        "/moved" => ("302 Found", String::new()),
        _ if path.starts_with("/api/v1/query?query=up") => ("200 OK", SERIES.into()),
        _ => ("404 Not Found", format!("nothing at {path}")),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).unwrap();
}

/// An address of this machine's loopback interface that is none of loopback; gone with its drop.
struct Address;

impl Address {
    fn add() -> Self {
        let added = Command::new("ip").args(["address", "add", &format!("{POD}/32"), "dev", "lo"]).output().unwrap();
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        Self
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["address", "del", &format!("{POD}/32"), "dev", "lo"]).output();
    }
}

async fn create<K>(api: Api<K>, object: Value, status: Option<Value>)
where
    K: kube::Resource<DynamicType = ()> + serde::Serialize + DeserializeOwned + Clone + std::fmt::Debug,
{
    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
    api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
    if let Some(status) = status {
        api.patch_status(&name, &PatchParams::default(), &Patch::Merge(json!({"status": status}))).await.unwrap();
    }
}

/// A Service that a pod answers, and one whose balancer has an address.
async fn objects(client: &Client, pod: u16) {
    let balancer = json!({"loadBalancer": {"ingress": [{"ip": BALANCER}]}});
    let port = json!({"name": "web", "port": 8080});
    let service = json!({"metadata": {"name": "sample"}, "spec": {"type": "LoadBalancer", "ports": [port]}});
    create(Api::<Service>::namespaced(client.clone(), "default"), service, Some(balancer.clone())).await;
    let nobody = json!({"metadata": {"name": "nobody"}, "spec": {"ports": [{"name": "web", "port": 80}]}});
    create(Api::<Service>::namespaced(client.clone(), "default"), nobody, None).await;
    create(Api::<Endpoints>::namespaced(client.clone(), "default"), json!({"metadata": {"name": "nobody"}}), None)
        .await;
    let port = json!({"name": "web", "port": pod});
    // The API server looks whether there is a pod with this address.
    let containers = json!([{"name": "main", "image": "example.org/sample:1"}]);
    let running = json!({"phase": "Running", "podIP": POD, "podIPs": [{"ip": POD}]});
    let object = json!({"metadata": {"name": "sample"}, "spec": {"containers": containers}});
    create(Api::<Pod>::namespaced(client.clone(), "default"), object, Some(running)).await;
    let address = json!({"ip": POD, "targetRef": {"kind": "Pod", "name": "sample", "namespace": "default"}});
    let endpoints = json!({"metadata": {"name": "sample"}, "subsets": [{"addresses": [address], "ports": [port]}]});
    create(Api::<Endpoints>::namespaced(client.clone(), "default"), endpoints, None).await;
    let backend = json!({"service": {"name": "sample", "port": {"name": "web"}}});
    let rules = json!([{"host": "sample.example.org", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]);
    let ingress = json!({"metadata": {"name": "sample"}, "spec": {"rules": rules}});
    create(Api::<Ingress>::namespaced(client.clone(), "default"), ingress, Some(balancer)).await;
    let condition = json!({"type": "Ready", "status": "True", "reason": "KubeletReady"});
    create(
        Api::<Node>::all(client.clone()),
        json!({"metadata": {"name": "cp"}}),
        Some(json!({"conditions": [condition]})),
    )
    .await;
}

async fn ask(server: &ApiServer, checks: &str) -> Vec<Outcome> {
    let text = format!("cluster: a\nnodes: [{{name: cp, role: control-plane}}]\nchecks:\n{checks}");
    let cluster = spec::parse(&text, "seedbed.yaml").unwrap_or_else(|failures| panic!("{failures:#?}"));
    let directory = std::env::current_dir().unwrap();
    let client = seedbed::kube::connect_as_is(&server.identity, &server.url).unwrap();
    let way = Way { client, kubeconfig: "/the/kubeconfig".into(), directory };
    check::ask(&cluster.checks, &way, &Events::ignored().step("checks")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_hold_or_tell_their_last_answer() {
    let server = ApiServer::start().await;
    let _address = Address::add();
    let (pod, balancer) = (serve(POD, 0), serve(BALANCER, 0));
    serve(BALANCER, 80);
    objects(&server.client, pod).await;
    let good = format!(
        "- {{name: service, http: {{service: 'default/sample:web', body: host}}}}\n\
         - {{name: moved, http: {{service: 'default/sample:8080', path: /moved, status: 302}}}}\n\
         - {{name: balancer, http: {{loadBalancer: 'default/sample:{balancer}', matches: '^host 127'}}}}\n\
         - {{name: ingress, http: {{ingress: default/sample, body: host sample.example.org}}}}\n\
         - {{name: url, http: {{url: 'http://{BALANCER}:{balancer}/nowhere', status: 404}}}}\n\
         - {{name: command, command: [printenv, KUBECONFIG]}}\n\
         - {{name: condition, condition: {{kind: Node, name: cp, type: Ready}}}}\n\
         - {{name: query, metric: {{service: 'default/sample:web', query: up, atLeast: 1}}}}\n\
         - {{name: sample, metric: {{service: 'default/sample:web', sample: errors_total, atLeast: 9, atMost: 9}}}}\n"
    );
    let answers: Vec<(String, String)> = ask(&server, &good)
        .await
        .into_iter()
        .map(|outcome| (outcome.name, outcome.result.unwrap_or_else(|failure| panic!("{failure:#?}"))))
        .collect();
    let answer = |name: &str| answers.iter().find(|(known, _)| known == name).unwrap().1.as_str();
    assert_eq!(answer("ingress"), "200: host sample.example.org");
    assert_eq!(answer("command"), "exit code 0: /the/kubeconfig");
    assert_eq!(answer("condition"), "Ready is True: KubeletReady");
    assert_eq!((answer("query"), answer("sample")), (r#"{job="a"} = 1"#, "errors_total = 9"));
    they_fail(&server).await;
}

async fn they_fail(server: &ApiServer) {
    let bad = "- {name: status, deadline: 30s, http: {service: 'default/sample:web', path: /gone}}\n\
         - {name: nobody, deadline: 30s, http: {service: 'default/nobody:80'}}\n\
         - {name: command, deadline: 30s, command: [ls, /nowhere]}\n\
         - {name: hangs, deadline: 2s, command: [sleep, '60']}\n\
         - {name: no-program, deadline: 1h, command: [seedbed-no-such-program]}\n\
         - {name: condition, deadline: 30s, condition: {kind: Node, name: other, type: Ready}}\n\
         - {name: kind, deadline: 30s, condition: {apiVersion: example.org/v1, kind: Thing, name: a, type: Ready}}\n\
         - {name: metric, deadline: 30s, metric: {service: 'default/sample:web', sample: errors_total, atMost: 8}}\n";
    let outcomes = ask(server, bad).await;
    let failures: Vec<_> = outcomes.into_iter().map(|outcome| outcome.result.unwrap_err()).collect();
    let causes: Vec<&str> = failures.iter().map(|failure| failure.causes.last().unwrap().as_str()).collect();
    let expected = [
        "404: nothing at /gone (wanted: 200)",
        "503: no endpoints available for service \"nobody\"",
        "exit code 2: ls: ",
        "the first look did not answer",
        "seedbed-no-such-program: No such file",
        "there is no Node/other",
        "",
        "errors_total = 9",
    ];
    for (line, ((failure, cause), expected)) in failures.iter().zip(causes).zip(expected).enumerate() {
        assert!(cause.contains(expected), "{cause}");
        assert_eq!((failure.kind, failure.place.as_ref().unwrap().line as usize), (Kind::NotReady, line + 4));
        assert!(failure.what.starts_with("the check `"), "{failure}");
    }
}
