//! Judges a pod and its containers.

use serde_json::Value;

use super::{Finding, Judged, Relations, State, finding};
use crate::flux::Object;

pub(super) fn judge(pod: &Object, relations: &Relations, findings: &mut Vec<Finding>) {
    let ready = pod.condition("Ready").is_some_and(|ready| ready.status == "True");
    // A pod that goes is not of the newest state, and one that is done needs no readiness.
    if ready || pod.deleting() || matches!(pod.text("/status/phase"), "Succeeded" | "Failed") {
        return;
    }
    let containers = pod.list("/status/initContainerStatuses").iter().chain(pod.list("/status/containerStatuses"));
    let worst = containers
        .filter_map(|container| Some((container["name"].as_str()?.to_owned(), container_state(container)?)))
        .reduce(|worst, next| if next.1.state > worst.1.state { next } else { worst });
    let of = |judged: Judged| finding(relations, pod.key(), judged);
    findings.push(match worst {
        Some((name, judged)) if judged.state > State::Progressing => Finding { container: Some(name), ..of(judged) },
        worst => unscheduled(pod).map(of).or_else(|| without_sandbox(pod, relations)).unwrap_or_else(|| {
            of(worst.map_or_else(|| Judged::progressing("it has not started yet"), |(_, judged)| judged))
        }),
    });
}

fn unscheduled(pod: &Object) -> Option<Judged> {
    let scheduled = pod.condition("PodScheduled").filter(|scheduled| scheduled.status == "False")?;
    Some(Judged::suspected(format!("{}: {}", scheduled.reason, scheduled.message)))
}

/// What keeps a pod from starting, outside of its containers: volumes, then its sandbox with its network.
fn without_sandbox(pod: &Object, relations: &Relations) -> Option<Finding> {
    // Then it is past both, and the warnings are of before: they stay for an hour.
    if pod.condition("PodReadyToStartContainers").is_some_and(|started| started.status == "True") {
        return None;
    }
    let reasons = ["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"];
    let (reason, message) = reasons.into_iter().find_map(|reason| Some((reason, relations.warning(pod, reason)?)))?;
    let found = finding(relations, pod.key(), Judged::suspected(format!("{reason}: {message}")));
    // One that is not repeated may be over: the kubelet tries again at once, and says so each time.
    Some(Finding { attempt: relations.warned(pod, |counted| counted == reason).to_string(), ..found })
}

/// What is wrong with a container; none where it is ready.
fn container_state(container: &Value) -> Option<Judged> {
    if container["ready"] == true {
        return None;
    }
    let waiting = &container["state"]["waiting"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (reason, message) = (text(&waiting["reason"]), text(&waiting["message"]));
    let told = match message.as_str() {
        "" => reason.clone(),
        message => format!("{reason}: {message}"),
    };
    Some(match reason.as_str() {
        "InvalidImageName" => Judged::permanent(told),
        "CreateContainerConfigError" if message.contains("runAsNonRoot") || message.contains("non-root") => {
            Judged::permanent(told)
        }
        // The two take turns: they are one state.
        "ErrImagePull" | "ImagePullBackOff" => {
            Judged::suspected(format!("ImagePullBackOff: image {}: {message}", text(&container["image"])))
        }
        "ErrImageNeverPull"
        | "RegistryUnavailable"
        | "ImageInspectError"
        | "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "PreCreateHookError"
        | "PostStartHookError" => Judged::suspected(told),
        _ => return Some(crashed(container).unwrap_or_else(|| Judged::progressing(progress(container, &told)))),
    })
}

/// A container that ended and was started again, also in the moments when it runs.
fn crashed(container: &Value) -> Option<Judged> {
    let ended = [&container["state"]["terminated"], &container["lastState"]["terminated"]];
    let ended = ended.into_iter().find(|ended| ended.is_object())?;
    let code = ended["exitCode"].as_i64()?;
    if code == 0 && container["state"]["waiting"]["reason"] != "CrashLoopBackOff" {
        return None;
    }
    // containerd says this of what its machine's reboot ended, and nobody else does.
    if code == 255 && ended["reason"] == "Unknown" {
        return None;
    }
    let mut told = format!("CrashLoopBackOff: it ended with exit code {code}");
    if let Some(reason) = ended["reason"].as_str().filter(|reason| *reason != "Error") {
        told = format!("{told} ({reason})");
    }
    if let Some(message) = ended["message"].as_str() {
        told = format!("{told}: {}", message.trim());
    }
    Some(Judged::suspected(told))
}

fn progress(container: &Value, waiting: &str) -> String {
    match (waiting, container["state"]["running"].is_object()) {
        ("", true) => "it runs and is not ready yet".to_owned(),
        ("", false) => "it has not started yet".to_owned(),
        (waiting, _) => waiting.to_owned(),
    }
}
