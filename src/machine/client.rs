//! Asks `seedbed-libvirt`, over JSON lines.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex as Quick;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::failure::{Failure, Result};
use libvirt_protocol::{Action, Answer, Body, Error, Reply, Request};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::locate;

/// How long a request that moves no data may take. Starting a domain on a loaded machine takes seconds.
const DEADLINE: Duration = Duration::from_secs(120);

/// How long a transfer may stand still.
const STANDSTILL: Duration = Duration::from_secs(120);

/// A running `seedbed-libvirt`. Requests may be asked side by side.
#[derive(Debug)]
pub struct Client {
    /// None while a line is written: a writer that was dropped midway leaves it so, and the pipe is unusable.
    input: Mutex<Option<ChildStdin>>,
    output: Mutex<Lines<BufReader<ChildStdout>>>,
    errors: Mutex<ChildStderr>,
    child: Mutex<Child>,
    waiting: Quick<HashMap<u64, UnboundedSender<Body>>>,
    next: AtomicU64,
}

/// Why a request was not answered.
#[derive(Debug)]
pub enum Trouble {
    /// libvirt said no.
    Libvirt(Error),
    /// It did not answer in time, and was killed.
    Silent(Duration),
    /// The process has gone; what it wrote last.
    Gone(String),
}

impl Client {
    /// Starts the process. It opens nothing yet.
    pub fn start() -> Result<Self> {
        Self::spawn(Command::new(locate::executable()?))
    }

    fn spawn(mut command: Command) -> Result<Self> {
        let path = PathBuf::from(command.as_std().get_program());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::refused(format!("{} does not start", path.display())).because(&error))?;
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Failure::other(format!("{} has no pipes", path.display())));
        };
        Ok(Self {
            input: Mutex::new(Some(input)),
            output: Mutex::new(BufReader::new(output).lines()),
            errors: Mutex::new(errors),
            child: Mutex::new(child),
            waiting: Quick::default(),
            next: AtomicU64::new(1),
        })
    }

    /// Asks, and waits for the answer.
    pub async fn ask(&self, action: Action) -> Result<Answer, Trouble> {
        self.ask_with_progress(action, |_, _| ()).await
    }

    /// Asks, and tells how many bytes have moved of how many.
    pub async fn ask_with_progress(
        &self,
        action: Action,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Answer, Trouble> {
        let patience = if matches!(action, Action::Upload { .. }) { STANDSTILL } else { DEADLINE };
        let mut replies = self.send(action).await?;
        loop {
            let Ok(body) = tokio::time::timeout(patience, self.receive(&mut replies)).await else {
                let _ = self.child.lock().await.start_kill();
                return Err(Trouble::Silent(patience));
            };
            match body? {
                Body::Progress { done, total } => progress(done, total),
                Body::Done(answer) => return Ok(answer),
                Body::Failed(error) => return Err(Trouble::Libvirt(error)),
            }
        }
    }

    async fn send(&self, action: Action) -> Result<UnboundedReceiver<Body>, Trouble> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut line = serde_json::to_vec(&Request { id, action }).map_err(|error| Trouble::Gone(error.to_string()))?;
        line.push(b'\n');
        let (sender, receiver) = unbounded_channel();
        if let Ok(mut waiting) = self.waiting.lock() {
            waiting.insert(id, sender);
        }
        let mut slot = self.input.lock().await;
        let Some(mut input) = slot.take() else { return Err(Trouble::Gone("a request was cut off".into())) };
        if input.write_all(&line).await.is_err() {
            return Err(self.gone().await);
        }
        *slot = Some(input);
        Ok(receiver)
    }

    /// Waits for the next reply to one request; whoever waits and finds nobody reading reads for all.
    async fn receive(&self, replies: &mut UnboundedReceiver<Body>) -> Result<Body, Trouble> {
        let mut output = tokio::select! {
            biased;
            body = replies.recv() => return body.ok_or_else(|| Trouble::Gone("no reply can come".into())),
            output = self.output.lock() => output,
        };
        loop {
            // The reader before this one may have read the reply just before it gave up its turn.
            if let Ok(body) = replies.try_recv() {
                return Ok(body);
            }
            let Ok(Some(line)) = output.next_line().await else { return Err(self.gone().await) };
            let Ok(Reply { id, body }) = serde_json::from_str(&line) else {
                return Err(Trouble::Gone(format!("this is no reply: {line}")));
            };
            self.deliver(id, body);
        }
    }

    fn deliver(&self, id: u64, body: Body) {
        let Ok(mut waiting) = self.waiting.lock() else { return };
        let ended = !matches!(body, Body::Progress { .. });
        let sender = if ended { waiting.remove(&id) } else { waiting.get(&id).cloned() };
        // An asker that has gone needs no answer.
        let _ = sender.map(|sender| sender.send(body));
    }

    /// Reads what the process wrote last.
    async fn gone(&self) -> Trouble {
        let mut text = String::new();
        let mut errors = self.errors.lock().await;
        let _ = tokio::time::timeout(Duration::from_secs(2), errors.read_to_string(&mut text)).await;
        Trouble::Gone(text.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(program: &str, arguments: &[&str]) -> Client {
        let mut command = Command::new(program);
        command.args(arguments);
        Client::spawn(command).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_answer_is_killed() {
        let client = client("sleep", &["600"]);
        let failure = client.ask(Action::Domains).await.unwrap_err().failure("listing");
        assert!(failure.to_string().contains("libvirt did not answer within 120 s"), "{failure}");
        let status = client.child.lock().await.wait().await.unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    }

    #[tokio::test]
    async fn a_missing_library_is_named_with_what_installs_it() {
        let message = "seedbed-libvirt: error while loading shared libraries: libvirt.so.0: cannot open";
        let client = client("sh", &["-c", &format!("echo '{message}' >&2; exit 127")]);
        let failure = client.ask(Action::Domains).await.unwrap_err().failure("listing");
        assert_eq!(failure.kind, engine::failure::Kind::Refused);
        assert_eq!(failure.causes, [message]);
        assert!(failure.hints[0].contains("libvirt0 libvirt-daemon-system"));
    }

    #[tokio::test]
    async fn what_speaks_another_language_is_not_believed() {
        let client = client("cat", &[]);
        let trouble = client.ask(Action::Domains).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Gone(text) if text.starts_with("this is no reply")));
    }
}
