//! What the API's errors mean.

use engine::event::Step;
use engine::failure::{Failure, Kind, Result};
use engine::wait::{Patience, Seen, until};

/// Turns an error of the API into a failure of a step.
pub fn failed(what: impl Into<String>, error: &kube::Error) -> Failure {
    let failure = Failure::step(what);
    match error {
        kube::Error::Api(status) if status.message.is_empty() => {
            failure.cause(format!("the API answered {} {}", status.code, status.reason))
        }
        kube::Error::Api(status) => failure.cause(&status.message),
        // Its own text repeats the deepest source several times over.
        other => {
            let mut deepest: &dyn std::error::Error = other;
            while let Some(source) = deepest.source() {
                deepest = source;
            }
            failure.cause(deepest)
        }
    }
}

/// Whether the same request may succeed a little later: a busy, starting or restarting API server.
pub fn transient(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            let starting = status.code == 403 && status.message.contains("not yet");
            matches!(status.code, 429 | 500 | 502 | 503 | 504) || status.code == 409 || starting
        }
        kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => true,
        _ => false,
    }
}

/// Repeats a request while its error is transient and the patience lasts.
pub async fn patiently<T>(
    step: &Step,
    what: &str,
    patience: Patience,
    mut request: impl AsyncFnMut() -> Result<T, kube::Error>,
) -> Result<T> {
    until(step, what, patience, Kind::Step, async || match request().await {
        Ok(value) => Ok(Seen::Ready(value)),
        Err(error) if transient(&error) => {
            let failure = failed(what, &error);
            Ok(Seen::NotYet(failure.causes.last().cloned().unwrap_or(failure.what)))
        }
        Err(error) => Err(failed(what, &error)),
    })
    .await
}
