//! Logs of pods: of Flux's controllers, of the system, and of whatever is not Ready.

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, LogParams};
use serde_json::Value;

use super::collector::Collector;
use crate::flux::NAMESPACE;
use crate::kube::failed;

/// The namespaces whose pods run the cluster.
const SYSTEM: [&str; 3] = [NAMESPACE, "kube-system", "kube-flannel"];
/// The last lines of each, and at most this many bytes.
const LINES: i64 = 1000;
const BYTES: i64 = 512 * 1024;
/// How many are asked for side by side, and at all.
const AT_ONCE: usize = 6;
const MOST: usize = 60;

/// One log.
struct Log {
    namespace: String,
    pod: String,
    container: String,
    /// Of the run before, which crashed.
    previous: bool,
}

pub async fn gather(client: &Client, pods: &[Value], to: &Collector) {
    let mut logs: Vec<Log> = pods.iter().flat_map(of_pod).collect();
    if let Some(more) = logs.len().checked_sub(MOST).filter(|more| *more > 0) {
        to.lacks("kubernetes/logs", format!("{more} more logs were left out"));
        logs.truncate(MOST);
    }
    futures::stream::iter(logs).for_each_concurrent(AT_ONCE, |log| one(client, log, to)).await;
}

async fn one(client: &Client, log: Log, to: &Collector) {
    let Log { namespace, pod, container, previous } = log;
    let ending = if previous { "previous.log" } else { "log" };
    let name = format!("kubernetes/logs/{namespace}/{pod}/{container}.{ending}");
    let api: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let parameters = LogParams {
        container: Some(container),
        tail_lines: Some(LINES),
        limit_bytes: Some(BYTES),
        previous,
        ..LogParams::default()
    };
    let asked = async { api.logs(&pod, &parameters).await.map_err(|error| failed("no log", &error)) };
    to.file(name, 8, asked).await;
}

/// The logs of a pod that are of interest.
fn of_pod(pod: &Value) -> Vec<Log> {
    let text =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let namespace = text(pod, "/metadata/namespace");
    if !SYSTEM.contains(&namespace.as_str()) && is_well(pod) {
        return Vec::new();
    }
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let containers = lists.iter().filter_map(|pointer| pod.pointer(pointer)?.as_array()).flatten();
    let mut logs = Vec::new();
    for container in containers {
        let restarts = container["restartCount"].as_i64().unwrap_or_default();
        // A container that never ran has said nothing.
        let ran = restarts > 0 || container.pointer("/state/waiting").is_none();
        let log = |previous| Log {
            namespace: namespace.clone(),
            pod: text(pod, "/metadata/name"),
            container: text(container, "/name"),
            previous,
        };
        logs.extend(ran.then(|| log(false)));
        logs.extend((restarts > 0).then(|| log(true)));
    }
    logs
}

/// Whether a pod is Ready, or has ended well.
fn is_well(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let ready =
        conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    ready || pod.pointer("/status/phase").is_some_and(|phase| phase == "Succeeded")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn logs_are_of_the_system_and_of_what_is_not_well() {
        let pod = |namespace: &str, ready: &str, statuses: Value| {
            json!({"metadata": {"namespace": namespace, "name": "p"}, "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": statuses,
            }})
        };
        let running = || json!([{"name": "c", "restartCount": 0, "state": {"running": {}}}]);
        let crashed =
            || json!([{"name": "c", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]);
        let waiting =
            || json!([{"name": "c", "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff"}}}]);
        let of = |pod: Value| of_pod(&pod).into_iter().map(|log| log.previous).collect::<Vec<_>>();
        assert_eq!(of(pod("apps", "True", running())), Vec::<bool>::new());
        assert_eq!(of(pod("flux-system", "True", running())), [false]);
        assert_eq!(of(pod("apps", "False", crashed())), [false, true]);
        assert_eq!(of(pod("apps", "False", waiting())), Vec::<bool>::new());
    }
}
