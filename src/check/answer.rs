//! What was answered to a request, and how a Service is asked through the API server.

use http::Request;
use kube::Client;
use kube::client::Body;

use crate::kube::failed;
use crate::spec::Port;

/// The most of an answer that is shown.
const SHOWN: usize = 200;

/// An answer of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    /// Asks a Service through the API server; the error is why there is no answer.
    pub async fn of_service(client: &Client, port: &Port, path: &str) -> Result<Self, String> {
        let Port { namespace, service, port } = port;
        let uri = format!("/api/v1/namespaces/{namespace}/services/{service}:{port}/proxy{path}");
        let request = Request::get(uri).body(Body::empty()).map_err(|error| error.to_string())?;
        let told = |error: kube::Error| failed("", &error).causes.concat();
        let answer = client.send(request).await.map_err(told)?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect_bytes().await.map_err(told)?;
        Ok(Self { status, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// For people: the status, and where the body begins. What the API server itself says is its message.
    pub fn shown(&self) -> String {
        let own =
            serde_json::from_str::<serde_json::Value>(&self.body).ok().filter(|status| status["kind"] == "Status");
        match own.as_ref().and_then(|status| status["message"].as_str()) {
            Some(message) => format!("{}: {message}", self.status),
            None if self.body.trim().is_empty() => format!("{}, without a body", self.status),
            None => format!("{}: {}", self.status, shortened(&self.body)),
        }
    }
}

/// A text in one line that is not too long.
pub fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_shown_in_a_line() {
        let shown = |status, body: &str| Answer { status, body: body.into() }.shown();
        assert_eq!(shown(200, "a\n b\n"), "200: a b");
        assert_eq!(shown(204, "\n"), "204, without a body");
        assert_eq!(shown(503, r#"{"kind": "Status", "message": "no endpoints"}"#), "503: no endpoints");
        assert_eq!(shown(200, &"ä".repeat(300)).chars().count(), 5 + SHOWN + 3);
    }
}
