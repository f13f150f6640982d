//! What is checked in a cluster once everything is Ready.

use std::fmt;
use std::time::Duration;

use engine::place::Place;
use serde::Serialize;

/// A check, and how long it may take to hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// A DNS label, unique in the spec.
    pub name: String,
    /// In JSON, seconds.
    #[serde(serialize_with = "seconds")]
    pub deadline: Duration,
    pub asks: Asks,
    /// Where the spec says so.
    #[serde(skip)]
    pub place: Place,
}

/// What a check asks.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asks {
    Http(Http),
    /// A program, with its path where one was written, and its arguments.
    Command(Vec<String>),
    Condition(Wanted),
    Metric(Metric),
}

/// A request and what must be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Http {
    pub target: Target,
    /// Begins with a slash.
    pub path: String,
    pub status: u16,
    /// What the body must hold.
    pub body: Option<String>,
    /// A regular expression that must match somewhere in the body.
    pub matches: Option<String>,
}

/// The way to what answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Through the API server, which reaches every Service.
    Service(Port),
    /// The address that a Service of type `LoadBalancer` got.
    LoadBalancer(Port),
    /// The address that an Ingress got, asked for its first host.
    Ingress {
        namespace: String,
        name: String,
    },
    Url(String),
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Port {
    pub namespace: String,
    pub service: String,
    /// A number or a name.
    pub port: String,
}

/// A condition of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wanted {
    pub api_version: String,
    pub kind: String,
    /// None for what lies in none.
    pub namespace: Option<String>,
    pub name: String,
    /// As in `Available`.
    #[serde(rename = "type")]
    pub condition: String,
    pub status: String,
}

/// A number and its bounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    pub service: Port,
    pub source: Source,
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
}

/// Where a metric's number comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Asked of Prometheus; every series of the answer must be within the bounds.
    Query(String),
    /// The sum of the samples at a path that have this name and these labels.
    Sample { path: String, name: String, labels: Vec<(String, String)> },
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.namespace, self.service, self.port)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(port) => write!(f, "service {port}"),
            Self::LoadBalancer(port) => write!(f, "load balancer {port}"),
            Self::Ingress { namespace, name } => write!(f, "ingress {namespace}/{name}"),
            Self::Url(url) => write!(f, "{url}"),
        }
    }
}

/// What a check asks, in one line.
impl fmt::Display for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(http) => write!(f, "GET {} of {}: {}", http.path, http.target, http.status),
            Self::Command(words) => {
                let words: Vec<_> = words.iter().map(|word| engine::host::quote(word)).collect();
                write!(f, "{}", words.join(" "))
            }
            Self::Condition(wanted) => write!(f, "{wanted}: {} is {}", wanted.condition, wanted.status),
            Self::Metric(metric) => write!(f, "{metric}"),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Query(query) => write!(f, "{query}")?,
            Source::Sample { name, .. } => write!(f, "{name}")?,
        }
        write!(f, " of {}", self.service)?;
        match (self.at_least, self.at_most) {
            (Some(least), Some(most)) => write!(f, ": {least} to {most}"),
            (Some(least), None) => write!(f, ": at least {least}"),
            (None, Some(most)) => write!(f, ": at most {most}"),
            (None, None) => Ok(()),
        }
    }
}

/// Serialises a time as seconds.
fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_secs())
}
