//! Downloads a file: retried, resumed, checked.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use engine::digest::{self, Hashing};
use engine::event::{Step, Unit};
use engine::failure::{Failure, Result};
use futures::StreamExt as _;
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{RequestBuilder, StatusCode};

use super::{Upstream, checksum, unpack};
use crate::artifact::catalog::Artifact;
use crate::artifact::store::Blob;

/// How often a download is tried.
const TRIES: u32 = 5;

/// What a try ended with.
pub enum Trouble {
    /// Trying again may help.
    Passing(Failure),
    /// Trying again does not help.
    Lasting(Failure),
}

impl Upstream<'_> {
    /// Downloads a published file, checks it, and puts it, or one member of it, into the store.
    pub(super) async fn file(
        &self,
        artifact: &Artifact,
        url: &str,
        checksum: Option<&str>,
        member: Option<&str>,
        step: &Step,
    ) -> Result<Blob> {
        let expected = match checksum {
            Some(address) => Some(self.checksum(url, address, step).await?),
            None => None,
        };
        // Named by the address, so that the next run finds what this one left.
        let name = digest::of_bytes(format!("{url}\n{expected:?}").as_bytes());
        let partial = self.store.work_root()?.join(format!("{name}-{}.part", artifact.name));
        let found = self.to_file(|client| client.get(url), &partial, step).await?;
        if let Some(expected) = expected.filter(|expected| *expected != found.digest) {
            let _ = std::fs::remove_file(&partial);
            return Err(Failure::refused(format!("{url} has not the published checksum"))
                .cause(format!("published is {expected}, found {}", found.digest))
                .hint("the download was thrown away; a mirror may be stale or altered"));
        }
        let Some(member) = member else {
            self.store.adopt(&partial, &found)?;
            return Ok(found);
        };
        let work = self.store.work(&artifact.name)?;
        let taken = work.path().join("member");
        let result = tokio::task::block_in_place(|| unpack::member(&partial, member, &taken));
        let _ = std::fs::remove_file(&partial);
        result.map_err(|error| Failure::other(format!("cannot take {member} out of {url}")).because(&error))?;
        self.store.take(&taken)
    }

    async fn checksum(&self, url: &str, address: &str, step: &Step) -> Result<String> {
        let text = self.bytes(|client| client.get(address), step).await?;
        let name = url.rsplit('/').next().unwrap_or(url);
        checksum::find(&String::from_utf8_lossy(&text), name)
            .ok_or_else(|| Failure::refused(format!("{address} holds no checksum of {name}")))
    }

    /// Gets a small body.
    pub(super) async fn bytes(
        &self,
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
        step: &Step,
    ) -> Result<Vec<u8>> {
        retried(step, async || {
            let response = request(&self.client).send().await.map_err(|error| passing(&error))?;
            let response = accepted(response)?;
            Ok(response.bytes().await.map_err(|error| passing(&error))?.to_vec())
        })
        .await
    }

    /// Gets a body into a file, beginning where the file ends.
    pub(super) async fn to_file(
        &self,
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
        path: &Path,
        step: &Step,
    ) -> Result<Blob> {
        retried(step, async || {
            let there = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
            let mut asked = request(&self.client);
            if there > 0 {
                asked = asked.header(RANGE, format!("bytes={there}-"));
            }
            let response = asked.send().await.map_err(|error| passing(&error))?;
            if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
                // It is all there, or it is something else: its digest tells.
                return finished(path).map_err(|error| unwritable(path, &error));
            }
            let response = accepted(response)?;
            let resumed = response.status() == StatusCode::PARTIAL_CONTENT && begins_at(&response, there);
            let start = if resumed { there } else { 0 };
            let total = response.content_length().map(|length| start + length);
            let mut file = open(path, resumed).map_err(|error| unwritable(path, &error))?;
            let mut body = response.bytes_stream();
            let mut done = start;
            while let Some(chunk) = body.next().await {
                let chunk = chunk.map_err(|error| passing(&error))?;
                file.write_all(&chunk).map_err(|error| unwritable(path, &error))?;
                done += chunk.len() as u64;
                step.progress(done, total, Unit::Bytes);
            }
            finished(path).map_err(|error| unwritable(path, &error))
        })
        .await
    }
}

/// Tries until it works, waiting half a second, then twice as long each time.
async fn retried<T>(step: &Step, attempt: impl AsyncFn() -> Result<T, Trouble>) -> Result<T> {
    let mut pause = Duration::from_millis(500);
    for left in (0..TRIES).rev() {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(Trouble::Passing(failure)) if left > 0 => {
                step.note(format!("{failure}; trying again in {} ms", pause.as_millis()));
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            Err(Trouble::Passing(failure) | Trouble::Lasting(failure)) => return Err(failure),
        }
    }
    Err(Failure::other("no try was made"))
}

/// Sorts answers: a server's trouble passes, a refusal lasts.
fn accepted(response: reqwest::Response) -> Result<reqwest::Response, Trouble> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let failure = Failure::other(format!("{} answered {status}", response.url()));
    let passes =
        status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT;
    Err(if passes { Trouble::Passing(failure) } else { Trouble::Lasting(failure) })
}

fn passing(error: &reqwest::Error) -> Trouble {
    Trouble::Passing(Failure::other("a download broke off").because(error))
}

fn unwritable(path: &Path, error: &io::Error) -> Trouble {
    Trouble::Lasting(Failure::other(format!("cannot write {}", path.display())).because(error))
}

/// Whether a partial answer begins at the offset that was asked for.
fn begins_at(response: &reqwest::Response, offset: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-")))
}

fn open(path: &Path, append: bool) -> io::Result<File> {
    File::options().create(true).write(true).append(append).truncate(!append).open(path)
}

fn finished(path: &Path) -> io::Result<Blob> {
    tokio::task::block_in_place(|| {
        let mut hashing = Hashing::new(io::sink());
        hashing.absorb(&mut File::open(path)?)?;
        let (digest, size, _) = hashing.finish();
        Ok(Blob { digest, size })
    })
}
