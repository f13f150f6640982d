//! Streams a file of the workstation to a host, in a session of its own.

use std::path::Path;

use bytes::BytesMut;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::Output;
use super::channel::{Started, start};
use super::ssh::{Ears, Exec, Heard, Mouth, Ssh};
use super::target::Become;
use crate::event::{Step, Unit};
use crate::failure::{Failure, Result};

/// How much is read and handed to the connection at once.
const PIECE: usize = 256 * 1024;

/// Feeds a file to a script that begins and ends as `script::write` does, and returns what that said.
pub(super) async fn send(
    ssh: &Ssh,
    escalation: &Become,
    script: &str,
    source: &Path,
    size: u64,
    step: Option<&Step>,
) -> Result<Output> {
    let unreadable =
        |error: &std::io::Error| Failure::other(format!("cannot read {}", source.display())).because(error);
    let file = File::open(source).await.map_err(|error| unreadable(&error))?;
    // As one function, so that no shell reads ahead into the content.
    let function = format!("seedbed() {{\nprintf '%s\\n' \"$nonce\"\n{script}\n}}");
    let started = start(ssh, escalation, &function, "seedbed").await;
    let started = started.map_err(|reason| Failure::step(format!("cannot send {}", source.display())).cause(reason))?;
    let Started { exec: Exec { mut ears, mouth }, .. } = started;
    let speaking = speak(&mouth, file, size, step);
    let hearing = hear(&mut ears);
    tokio::pin!(speaking, hearing);
    // A full disk ends the script before all was sent; then nothing takes the rest.
    let ended = tokio::select! {
        ended = &mut hearing => ended,
        spoken = &mut speaking => {
            spoken.map_err(|error| unreadable(&error))?;
            hearing.await
        }
    };
    ended.ok_or_else(|| Failure::step(format!("the connection was lost while {} was sent", source.display())))
}

async fn speak(mouth: &Mouth, mut file: File, size: u64, step: Option<&Step>) -> std::io::Result<()> {
    let mut sent = 0;
    loop {
        let mut piece = BytesMut::with_capacity(PIECE);
        while piece.len() < PIECE && file.read_buf(&mut piece).await? > 0 {}
        if piece.is_empty() {
            break;
        }
        sent += piece.len() as u64;
        if !mouth.say(piece.freeze()).await {
            return Ok(());
        }
        if let Some(step) = step {
            step.progress(sent, Some(size), Unit::Bytes);
        }
    }
    mouth.end().await;
    Ok(())
}

/// Collects what the script says until it ends; `None` if it did not end by itself.
async fn hear(ears: &mut Ears) -> Option<Output> {
    let mut output = Output::default();
    let mut ended = None;
    while let Some(heard) = ears.hear().await {
        match heard {
            Heard::Out(bytes) => output.stdout.extend_from_slice(&bytes),
            Heard::Err(bytes) => output.stderr.extend_from_slice(&bytes),
            Heard::End(code) => ended = Some(code),
        }
    }
    output.code = ended?;
    Some(output)
}
