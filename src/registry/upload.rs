//! Sends one blob.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::TryStreamExt as _;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION};
use reqwest::{Body, Method, Response};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::archive::Piece;
use super::image::Blob;
use super::{Registry, Trouble};

/// What one request carries. The registry answers each, so that a full disk is told at once, and a connection that broke
/// costs no more than this.
const CHUNK: u64 = 16 << 20;
const BUFFER: usize = 256 << 10;
/// How often progress is told.
const TICK: Duration = Duration::from_millis(250);

impl Registry {
    /// Sends a blob from its beginning; tells how many of its bytes were sent.
    pub(super) async fn upload(&self, repository: &str, blob: &Blob, sent: impl Fn(u64)) -> Result<(), Trouble> {
        let begin = self.request(Method::POST, &format!("/v2/{repository}/blobs/uploads/"));
        let mut place = self.place(&self.ask(begin.header(CONTENT_LENGTH, 0)).await?)?;
        let result = self.send(blob, &mut place, sent).await;
        if result.is_err() {
            self.give_up(&place).await;
        }
        result
    }

    /// Has what was sent removed, which would take room for a day; nobody is told where that fails, too.
    async fn give_up(&self, place: &str) {
        // The last answer's place is at an older offset, and then the registry removes nothing.
        let Ok(status) = self.ask(self.request(Method::GET, place)).await else { return };
        let now = self.place(&status).unwrap_or_else(|_| place.to_owned());
        let _ = self.request(Method::DELETE, &now).send().await;
    }

    /// Sends a blob to an upload that was begun; `place` is where it goes on.
    async fn send(&self, blob: &Blob, place: &mut String, sent: impl Fn(u64)) -> Result<(), Trouble> {
        let Piece { path, offset, size } = &blob.piece;
        let mut done = 0;
        while done < *size {
            let length = CHUNK.min(size - done);
            let piece = Piece { path: path.clone(), offset: offset + done, size: length };
            let counter = Arc::new(AtomicU64::new(0));
            let body = body(&piece, &counter).await.map_err(|error| Trouble::File(error.to_string()))?;
            let request = self
                .request(Method::PATCH, place)
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(CONTENT_LENGTH, length)
                .header(CONTENT_RANGE, format!("{done}-{}", done + length - 1))
                .body(body);
            let sending = self.ask(request);
            tokio::pin!(sending);
            let response = loop {
                tokio::select! {
                    response = &mut sending => break response?,
                    () = tokio::time::sleep(TICK) => sent(done + counter.load(Ordering::Relaxed)),
                }
            };
            *place = self.place(&response)?;
            done += length;
            sent(done);
        }
        let joint = if place.contains('?') { '&' } else { '?' };
        let end = self.request(Method::PUT, &format!("{place}{joint}digest={}", blob.digest));
        self.ask(end.header(CONTENT_LENGTH, 0)).await.map(drop)
    }

    /// Where the upload goes on. Only the path counts: the registry names itself as it was asked.
    fn place(&self, response: &Response) -> Result<String, Trouble> {
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or_default();
        let path = location.strip_prefix(&format!("https://{}", self.name())).unwrap_or(location);
        if path.starts_with('/') {
            return Ok(path.to_owned());
        }
        let message = format!("it names no place for an upload: `{location}`");
        Err(Trouble::Refused { status: response.status().as_u16(), message })
    }
}

/// Reads a part of a file while it is sent.
async fn body(piece: &Piece, counter: &Arc<AtomicU64>) -> io::Result<Body> {
    let mut file = tokio::fs::File::open(&piece.path).await?;
    file.seek(io::SeekFrom::Start(piece.offset)).await?;
    let counter = Arc::clone(counter);
    let stream = ReaderStream::with_capacity(file.take(piece.size), BUFFER);
    Ok(Body::wrap_stream(stream.inspect_ok(move |bytes| {
        counter.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    })))
}
