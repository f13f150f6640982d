//! Pushes an image: what the registry lacks, then the manifest.

use std::time::Duration;

use engine::event::{Step, Unit};
use engine::failure::Result;
use serde::Serialize;

use super::{Blob, Image, Name, Registry, Trouble};

/// How often a request is tried that may succeed a little later; the pause before doubles each time.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// The whole reference, as manifests of the cluster name it.
    pub image: String,
    pub digest: String,
    /// Blobs that the registry lacked.
    pub uploaded: usize,
    /// Blobs that it had.
    pub present: usize,
    /// What was sent.
    pub bytes: u64,
    /// Whether the tag was already at this image: then nothing was sent.
    pub unchanged: bool,
}

/// Sends an image to the registry under a name.
pub async fn push(registry: &Registry, image: &Image, name: &Name, step: &Step) -> Result<Pushed> {
    let reference = format!("{}/{name}", registry.name());
    let pushing = step.child_of("push", &reference, &[]);
    let result = all(registry, image, name, &pushing).await;
    let result = result.map_err(|trouble| trouble.failure(format!("{reference} was not pushed"), registry.name()));
    let digest = image.digest();
    pushing.conclude_as(result, |pushed| pushed.uploaded > 0 || !pushed.unchanged).map(|pushed| Pushed {
        image: reference,
        digest,
        ..pushed
    })
}

async fn all(registry: &Registry, image: &Image, name: &Name, step: &Step) -> Result<Pushed, Trouble> {
    let repository = &name.repository;
    let (mut lacking, mut unchanged) = (Vec::new(), false);
    for blob in &image.blobs {
        let there = patiently(step, async || registry.has_blob(repository, &blob.digest).await).await?;
        if !there {
            lacking.push(blob);
        }
    }
    let bytes = lacking.iter().map(|blob| blob.piece.size).sum();
    let mut done = 0;
    for blob in &lacking {
        let sent = |sent| step.progress(done + sent, Some(bytes), Unit::Bytes);
        patiently(step, async || send(registry, repository, blob, &sent).await).await?;
        done += blob.piece.size;
    }
    if lacking.is_empty() {
        unchanged = registry.tagged(repository, &name.tag).await? == Some(image.digest());
    }
    if !unchanged {
        let put = async || registry.put_manifest(repository, &name.tag, &image.media_type, &image.manifest).await;
        patiently(step, put).await?;
    }
    let (uploaded, present) = (lacking.len(), image.blobs.len() - lacking.len());
    Ok(Pushed { image: String::new(), digest: String::new(), uploaded, present, bytes, unchanged })
}

/// A second try may find that the first one was whole, and only its answer was lost.
async fn send(registry: &Registry, repository: &str, blob: &Blob, sent: &impl Fn(u64)) -> Result<(), Trouble> {
    let failed = match registry.upload(repository, blob, sent).await {
        Err(trouble) if trouble.is_transient() => trouble,
        other => return other,
    };
    if registry.has_blob(repository, &blob.digest).await? { Ok(()) } else { Err(failed) }
}

async fn patiently<T>(step: &Step, mut request: impl AsyncFnMut() -> Result<T, Trouble>) -> Result<T, Trouble> {
    let mut pause = PAUSE;
    for again in 1.. {
        match request().await {
            Err(trouble) if trouble.is_transient() && again < TRIES => {
                step.waiting(format!("{trouble}; trying again"));
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            other => return other,
        }
    }
    Err(Trouble::Unreachable("it was tried too often".into()))
}
