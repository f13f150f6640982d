//! What an object and its surroundings say of a failure.

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Client;
use kube::api::{Api, ListParams, LogParams};

/// The last lines of a container's log; of the run before, where the container crashed.
///
/// Empty where there is none: evidence must not fail.
pub async fn log_tail(client: &Client, namespace: &str, pod: &str, container: Option<&str>, lines: i64) -> String {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let parameters = |previous| LogParams {
        container: container.map(str::to_owned),
        tail_lines: Some(lines),
        previous,
        ..LogParams::default()
    };
    for previous in [true, false] {
        if let Ok(text) = api.logs(pod, &parameters(previous)).await
            && !text.trim().is_empty()
        {
            return text;
        }
    }
    String::new()
}

/// The warnings about an object, oldest first, as `Reason: message`. Empty where there are none.
pub async fn events_of(client: &Client, namespace: &str, kind: &str, name: &str) -> Vec<String> {
    let api: Api<Event> = Api::namespaced(client.clone(), namespace);
    let fields = format!("involvedObject.kind={kind},involvedObject.name={name},type=Warning");
    let Ok(found) = api.list(&ListParams::default().fields(&fields)).await else { return Vec::new() };
    let mut events = found.items;
    events.sort_by_key(|event| event.last_timestamp.clone().map(|time| time.0));
    let text = |event: Event| format!("{}: {}", event.reason.unwrap_or_default(), event.message.unwrap_or_default());
    events.into_iter().map(text).collect()
}
