//! Judges what Flux reads from.

use super::{Judged, Relations, accepted_source, by_condition};
use crate::flux::Object;

/// What a refused credential or another host key looks like in a message.
const REFUSED: [&str; 7] = [
    "unable to authenticate",
    "authentication required",
    "authentication failed",
    "authorization failed",
    "invalid credentials",
    "knownhosts: key mismatch",
    "knownhosts: key is unknown",
];

pub(super) fn judge(object: &Object, relations: &Relations) -> Judged {
    let Some(ready) = object.current_condition("Ready") else { return by_condition(object) };
    if ready.status == "True" {
        return at_newest(object, relations);
    }
    let judged = by_condition(object);
    let text = ready.message.to_lowercase();
    // A controller that does not reach the API says so with the same reason.
    let unread = text.contains("failed to get secret");
    let refused =
        (ready.reason == "AuthenticationFailed" && !unread) || REFUSED.iter().any(|refusal| text.contains(refusal));
    if ready.status == "False" && refused { Judged::permanent(judged.message) } else { judged }
}

fn at_newest(object: &Object, relations: &Relations) -> Judged {
    let revision = object.artifact_revision();
    if !accepted_source(object, relations.accepted()) {
        return Judged::progressing(format!("is at {revision}, which does not contain the seeded commit"));
    }
    if object.kind() == "HelmChart" && relations.source(object).is_none() {
        return Judged::progressing("its source does not exist yet");
    }
    Judged::ready()
}

/// What a chart is waited for where it was made, or failed, of an older revision of its source.
pub(super) fn lagging(object: &Object, relations: &Relations) -> Option<Judged> {
    let newest = relations.source(object).map(Object::artifact_revision).filter(|newest| !newest.is_empty())?;
    let lags = object.kind() == "HelmChart" && newest != object.text("/status/observedSourceArtifactRevision");
    lags.then(|| Judged::progressing(format!("has not looked at {newest} of its source yet")))
}
