//! Judges a `HelmRelease`.

use super::kustomization::cycle;
use super::{Judged, Relations, State, by_condition};
use crate::flux::Object;

pub(super) fn judge(object: &Object, relations: &Relations) -> Judged {
    if let Some(cycle) = cycle(object, relations) {
        return Judged::permanent(format!("its dependsOn comes back to itself: {cycle}"));
    }
    let Some(ready) = object.current_condition("Ready") else { return by_condition(object) };
    let chart = relations.chart(object);
    let newest = chart.map_or("", Object::artifact_revision);
    let attempted = object.text("/status/lastAttemptedRevision");
    // The version of an OCI artifact is written in another way than its revision.
    let comparable = chart.is_some_and(|chart| chart.kind() == "HelmChart") && !newest.is_empty();
    if ready.status == "True" {
        let deployed = object.text("/status/history/0/status");
        return match (deployed, chart) {
            (_, None) => Judged::progressing("its chart does not exist yet"),
            (_, Some(_)) if comparable && attempted != newest => {
                Judged::progressing(format!("is at {attempted}, its chart at {newest}"))
            }
            ("deployed", _) => Judged::ready(),
            (other, _) => Judged::progressing(format!("its newest release is {other}, not deployed")),
        };
    }
    if ready.status != "False" {
        let reconciling = object.condition("Reconciling").map_or(ready.message, |reconciling| reconciling.message);
        return Judged::progressing(reconciling);
    }
    let told = format!("{}: {}", ready.reason, ready.message);
    match ready.reason {
        // What it waits for has a finding of its own.
        "DependencyNotReady" | "SourceNotReady" => Judged::new(State::Waiting, told),
        "HealthCheckCanceled" => Judged::progressing(told),
        "ArtifactFailed" if newest.is_empty() => Judged::new(State::Waiting, told),
        _ if comparable && !attempted.is_empty() && attempted != newest => {
            Judged::progressing(format!("failed at {attempted}, its chart is at {newest}"))
        }
        _ => Judged::suspected(told),
    }
}
