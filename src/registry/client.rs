//! The embedded registry, asked over HTTPS by the distribution API.
//!
//! See <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>.

use std::time::Duration;

use engine::failure::{Failure, Result};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode};

use super::Trouble;
use crate::identity::RegistryKeys;

/// The manifests that a push may have put there.
const MANIFESTS: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/// An emulated node may think for long, but it takes connections at once.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(120);

/// A way to the registry. Nothing is sent before its first request.
#[derive(Clone, Debug)]
pub struct Registry {
    name: String,
    client: Client,
}

impl Registry {
    /// Believes the planned authority and nobody else, and sends the password to nobody else.
    pub fn new(name: &str, keys: &RegistryKeys) -> Result<Self> {
        // The first one installed stays; it is the same one wherever it is installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |error: reqwest::Error| Failure::other("cannot make a client of the registry").because(&error);
        let authority = Certificate::from_pem(keys.authority.certificate.as_bytes()).map_err(failed)?;
        let mut authorization = HeaderValue::from_str(&keys.authorization())
            .map_err(|error| Failure::other("the registry's password is no header").because(&error))?;
        authorization.set_sensitive(true);
        let client = Client::builder()
            .tls_certs_only([authority])
            .https_only(true)
            // The address is the cluster's own; a proxy would not find it.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, authorization)]))
            .build()
            .map_err(failed)?;
        Ok(Self { name: name.to_owned(), client })
    }

    /// `ADDRESS:PORT`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks whether it is there and takes the password.
    pub async fn ping(&self) -> Result<(), Trouble> {
        self.ask(self.request(Method::GET, "/v2/")).await.map(drop)
    }

    /// Whether a repository has a blob.
    pub async fn has_blob(&self, repository: &str, digest: &str) -> Result<bool, Trouble> {
        let request = self.request(Method::HEAD, &format!("/v2/{repository}/blobs/{digest}"));
        Ok(self.look(request).await?.is_some())
    }

    /// The digest of what a tag names, if it names anything.
    pub async fn tagged(&self, repository: &str, tag: &str) -> Result<Option<String>, Trouble> {
        let request =
            self.request(Method::HEAD, &format!("/v2/{repository}/manifests/{tag}")).header(ACCEPT, MANIFESTS);
        let found = self.look(request).await?;
        let digest = found.as_ref().and_then(|found| found.headers().get("Docker-Content-Digest")?.to_str().ok());
        Ok(digest.map(str::to_owned))
    }

    /// Puts a manifest under a tag; its blobs must be there.
    pub async fn put_manifest(
        &self,
        repository: &str,
        tag: &str,
        media_type: &str,
        manifest: &[u8],
    ) -> Result<(), Trouble> {
        let request = self.request(Method::PUT, &format!("/v2/{repository}/manifests/{tag}"));
        self.ask(request.header(CONTENT_TYPE, media_type).body(manifest.to_vec())).await.map(drop)
    }

    /// Sends a request for something that may not be there.
    async fn look(&self, request: RequestBuilder) -> Result<Option<Response>, Trouble> {
        let response = request.send().await.map_err(|error| Trouble::of(&error))?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(response)),
            _ => Err(Trouble::of_answer(response).await),
        }
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("https://{}{path}", self.name))
    }

    /// Sends a request, and judges the answer.
    pub(super) async fn ask(&self, request: RequestBuilder) -> Result<Response, Trouble> {
        let response = request.send().await.map_err(|error| Trouble::of(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(Trouble::of_answer(response).await) }
    }
}
