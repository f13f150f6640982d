//! Writes what runs on a host as text that pastes into a shell.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::Output;
use super::channel::{Broken, Task};
use crate::event::Secrets;

/// Longer outputs are cut in the trace.
const LONGEST: usize = 4096;

/// A transcript of one host's frames.
pub(super) struct Trace {
    host: String,
    file: Mutex<File>,
    secrets: Secrets,
}

impl Trace {
    /// Appends to a file that only its owner reads.
    pub(super) fn open(path: &Path, host: &str, secrets: Secrets) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).mode(0o600).open(path)?;
        Ok(Self { host: host.to_owned(), file: Mutex::new(file), secrets })
    }

    pub(super) fn write(&self, task: &Task<'_>, ended: &Result<Output, Broken>, took: Duration) {
        let text = self.secrets.mask(render(&self.host, task, ended, took));
        // A full disk must not stop a run: the trace is a help, not a result.
        if let Ok(mut file) = self.file.lock() {
            let _ = file.write_all(text.as_bytes());
        }
    }
}

fn render(host: &str, task: &Task<'_>, ended: &Result<Output, Broken>, took: Duration) -> String {
    let script = String::from_utf8_lossy(task.script);
    let input = match task.stdin.len() {
        0 => "</dev/null".to_owned(),
        length => format!("# and {length} bytes on its standard input"),
    };
    let (outcome, output) = match ended {
        Ok(output) => (output.code.to_string(), Some(output)),
        Err(Broken::TimedOut(output)) => ("timed out".to_owned(), Some(output)),
        Err(Broken::Lost(reason)) => (format!("lost: {reason}"), None),
    };
    let mut text = format!("# {host}\n(\n{}\n) {input}\n#=> {outcome} in {} ms\n", script.trim_end(), took.as_millis());
    for (name, bytes) in output.iter().flat_map(|output| [("out", &output.stdout), ("err", &output.stderr)]) {
        for line in String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]).lines() {
            let _ = writeln!(text, "# {name}: {line}");
        }
    }
    text.push('\n');
    text
}
