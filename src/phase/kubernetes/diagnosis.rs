//! Why an API does not answer or a node is not Ready: the deepest cause that can be seen.

use engine::event::Step;
use engine::failure::{Failure, Kind, Result};
use engine::host::{Command, Host, Mode};
use engine::wait::{Patience, Seen, until};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, GetParams, ListParams, Request};

use crate::kube::{events_of, failed, log_tail};
use crate::plan::NodePlan;

/// Shows of a host what makes kubeadm or the kubelet fail: services, containers that ended, and their last lines.
pub const LOOK: &str = r#"
PATH=/usr/local/bin:$PATH
for unit in containerd kubelet; do
    state=$(systemctl is-active $unit.service)
    echo "$unit is $state"
    [ "$state" = active ] || journalctl --unit=$unit --no-pager --output=cat --lines=8
done
crictl ps --all --state Exited --output json 2>/dev/null | grep -E '"(id|name)":' >/dev/null || exit 0
crictl ps --all --state Exited --last 3 2>/dev/null
for id in $(crictl ps --all --state Exited --last 2 --quiet 2>/dev/null); do
    echo "last lines of $id:"
    crictl logs --tail 8 "$id" 2>&1
done
"#;

/// Waits until the API server says that it is ready.
pub async fn wait_api(client: &Client, step: &Step, patience: Patience) -> Result<()> {
    until(step, "the API answers", patience, Kind::Step, async || {
        let request = Request::new("").get("readyz", &GetParams::default());
        let request = request.map_err(|error| Failure::other("a request to the API").because(&error))?;
        match client.request_text(request).await {
            Ok(_) => Ok(Seen::Ready(())),
            // Whatever is wrong now may be because it is just starting; what does not mend shows at the deadline.
            Err(error) => Ok(Seen::NotYet(missing(&failed("", &error).causes.concat()))),
        }
    })
    .await
}

/// What a starting API server lacks: of its long list, the checks that fail.
fn missing(answer: &str) -> String {
    let failing = answer.lines().filter_map(|line| line.trim().strip_prefix("[-]"));
    let names: Vec<&str> = failing.filter_map(|line| line.split_whitespace().next()).collect();
    if names.is_empty() { answer.to_owned() } else { format!("it is starting ({})", names.join(", ")) }
}

/// Adds to a failure what its host shows.
pub async fn with_host(mut failure: Failure, host: &Host) -> Failure {
    let command = Command::shell(LOOK).timeout(std::time::Duration::from_secs(60));
    let Ok(output) = host.view(Mode::Apply).run_query(command).await else { return failure };
    let shown = output.stdout_text();
    let evidence = match failure.evidence.take() {
        Some(before) => format!("{before}\n{shown}"),
        None => shown,
    };
    failure.evidence(evidence.trim_end())
}

/// The same for a result.
pub async fn enrich<T>(result: Result<T>, host: &Host) -> Result<T> {
    match result {
        Ok(value) => Ok(value),
        Err(failure) => Err(with_host(failure, host).await),
    }
}

/// Adds to a node that is not Ready what its system pods and its host show.
pub async fn of_node<T>(result: Result<T>, client: &Client, node: &NodePlan, host: &Host) -> Result<T> {
    let mut failure = match result {
        Ok(value) => return Ok(value),
        Err(failure) => failure,
    };
    let pods: Api<Pod> = Api::all(client.clone());
    let on_node = ListParams::default().fields(&format!("spec.nodeName={}", node.name));
    if let Ok(found) = pods.list(&on_node).await {
        for pod in found.items {
            let Some((container, why)) = trouble(&pod) else { continue };
            let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            failure = failure.cause(format!("pod {namespace}/{name}: {why}"));
            let mut shown = events_of(client, namespace, "Pod", name).await.join("\n");
            shown.push_str(&log_tail(client, namespace, name, Some(&container), 10).await);
            let before = failure.evidence.take().unwrap_or_default();
            failure = failure.evidence(format!("{before}{shown}\n"));
        }
    }
    Err(with_host(failure, host).await)
}

/// The container of a pod that waits for something else than its turn, and why.
fn trouble(pod: &Pod) -> Option<(String, String)> {
    let status = pod.status.as_ref()?;
    let first = status.init_container_statuses.iter().flatten();
    first.chain(status.container_statuses.iter().flatten()).find_map(|container| {
        let waiting = container.state.as_ref()?.waiting.as_ref()?;
        let reason = waiting.reason.as_deref().unwrap_or_default();
        if matches!(reason, "" | "PodInitializing" | "ContainerCreating") {
            return None;
        }
        let message = waiting.message.as_deref().unwrap_or_default();
        Some((container.name.clone(), format!("{}: {reason} {message}", container.name).trim_end().to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_answer_the_failing_checks_are_shown() {
        let answer = "[+]ping ok\n[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\n[+]shutdown ok\nreadyz check failed";
        assert_eq!(missing(answer), "it is starting (poststarthook/rbac/bootstrap-roles)");
        assert_eq!(missing("Connection refused"), "Connection refused");
    }
}
