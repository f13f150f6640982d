//! Fetches what upstream, or a mirror of it, publishes.

mod checksum;
mod download;
mod registry;
mod unpack;

use std::collections::BTreeMap;
use std::time::Duration;

use engine::event::Step;
use engine::failure::{Failure, Result};
use futures::StreamExt as _;

use super::bits::Origin;
use super::catalog::{Artifact, Published};
use super::recipe;
use super::store::{Entry, Store};

/// How many downloads are under way at once.
const PARALLEL: usize = 4;

/// How long a connection may take before upstream counts as out of reach.
const CONNECT: Duration = Duration::from_secs(3);

/// Fetches published artifacts.
pub struct Upstream<'a> {
    client: reqwest::Client,
    store: &'a Store,
    mirrors: &'a BTreeMap<String, String>,
    /// Whether every address must have a mirror.
    mirrored: bool,
}

impl<'a> Upstream<'a> {
    pub fn new(store: &'a Store, mirrors: &'a BTreeMap<String, String>, mirrored: bool) -> Result<Self> {
        // The first one installed stays; it is the same one wherever it is installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(Duration::from_secs(60))
            .user_agent(concat!("seedbed/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::other("cannot make an HTTP client").because(&error))?;
        Ok(Self { client, store, mirrors, mirrored })
    }

    /// Says why upstream cannot be reached, asking once for all artifacts.
    pub async fn unreachable(&self, artifact: &Artifact) -> Option<String> {
        let address = match artifact.published.as_ref()? {
            Published::File { url, .. } => self.address(url),
            Published::Image { reference } => self.image(reference).map(|image| image.base()),
        };
        let address = address.ok()?;
        match tokio::time::timeout(CONNECT, self.client.head(&address).send()).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(deepest(&error)),
            Err(_) => Some(format!("no answer from {address} within {} s", CONNECT.as_secs())),
        }
    }

    /// Fetches artifacts side by side; the failures of those that could not be had come back with their names.
    pub async fn fetch<'b>(&self, wanted: &[&'b Artifact], step: &Step) -> Vec<(&'b Artifact, Failure)> {
        let fetches = wanted.iter().map(|artifact| async {
            let result = self.one(artifact, step).await;
            result.err().map(|failure| (*artifact, failure))
        });
        futures::stream::iter(fetches).buffer_unordered(PARALLEL).filter_map(async |failed| failed).collect().await
    }

    async fn one(&self, artifact: &Artifact, step: &Step) -> Result<()> {
        let Some(published) = &artifact.published else {
            return Err(Failure::other(format!("upstream does not publish `{}`", artifact.name)));
        };
        let step = step.child_of("download", format!("{} {}", artifact.name, artifact.version), &[]);
        let key = recipe::published(artifact, published);
        let fetch = async {
            let (by, blob) = match published {
                Published::File { url, checksum, member } => {
                    let url = self.address(url)?;
                    let checksum = checksum.as_deref().map(|checksum| self.address(checksum)).transpose()?;
                    (url.clone(), self.file(artifact, &url, checksum.as_deref(), member.as_deref(), &step).await?)
                }
                Published::Image { reference } => {
                    let image = self.image(reference)?;
                    (image.base(), self.pull(artifact, &image, &step).await?)
                }
            };
            let outputs = BTreeMap::from([(artifact.name.clone(), blob)]);
            self.store.remember(&key, &Entry { origin: Origin::Upstream, by, made: jiff::Timestamp::now(), outputs })
        };
        let result = fetch.await;
        step.conclude(result)
    }

    /// An address as the mirrors have it: the longest base that matches is replaced.
    fn address(&self, url: &str) -> Result<String> {
        let base = self.mirrors.iter().filter(|(from, _)| within(url, from)).max_by_key(|(from, _)| from.len());
        match base {
            Some((from, to)) => Ok(format!("{}{}", to.trim_end_matches('/'), &url[from.trim_end_matches('/').len()..])),
            None if self.mirrored => Err(Failure::refused(format!("no mirror is given for {url}"))
                .hint("add its base to `artifacts.mirrors`, or set `artifacts.source: auto`")),
            None => Ok(url.to_owned()),
        }
    }

    fn image(&self, reference: &str) -> Result<registry::Image> {
        registry::Image::parse(reference, |base| self.address(base))
    }
}

/// Whether an address lies below a base.
fn within(url: &str, base: &str) -> bool {
    url.strip_prefix(base.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The innermost cause of an error: the one that says something.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
