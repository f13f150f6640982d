//! An SSH server in the test's own process, which runs what it is told in a local shell.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use russh::keys::PrivateKey;
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Server as _, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelMsg};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;

use super::world::World;

/// A running server; it ends when it is dropped.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) sessions: Arc<Sessions>,
    task: JoinHandle<()>,
}

/// How many sessions are open, and how many were at most.
#[derive(Default)]
pub(super) struct Sessions {
    open: AtomicUsize,
    pub(super) most: AtomicUsize,
}

#[derive(Clone)]
struct Client {
    login_shell: PathBuf,
    path: String,
    user: String,
    sessions: Arc<Sessions>,
}

struct Connection {
    client: Client,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl Server {
    /// Serves a world with a login shell, on a port of its own.
    pub(super) async fn start(world: &World, login_shell: PathBuf) -> Self {
        let key = PrivateKey::from_openssh(&world.host.private).unwrap();
        let quick = std::time::Duration::from_millis(10);
        let config =
            Arc::new(Config { keys: vec![key], nodelay: true, auth_rejection_time: quick, ..Config::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sessions = Arc::new(Sessions::default());
        let user = world.user.public.clone();
        let path = world.path.clone();
        let mut client = Client { login_shell, path, user, sessions: Arc::clone(&sessions) };
        let task = tokio::spawn(async move { client.run_on_socket(config, &listener).await.unwrap() });
        Self { port, sessions, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl russh::server::Server for Client {
    type Handler = Connection;

    fn new_client(&mut self, _: Option<SocketAddr>) -> Connection {
        Connection { client: self.clone(), channels: HashMap::new() }
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let known = key.public_key.to_openssh().unwrap().trim_end().starts_with(&self.client.user);
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(&mut self, id: ChannelId, command: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(id)?;
        let channel = self.channels.remove(&id).unwrap();
        let mut shell = Command::new(&self.client.login_shell);
        shell.arg("-c").arg(String::from_utf8(command.to_vec()).unwrap()).env_clear();
        shell.env("PATH", &self.client.path).env("HOME", "/").stdin(Stdio::piped());
        shell.stdout(Stdio::piped()).stderr(Stdio::piped());
        let sessions = Arc::clone(&self.client.sessions);
        let open = sessions.open.fetch_add(1, Ordering::SeqCst) + 1;
        sessions.most.fetch_max(open, Ordering::SeqCst);
        tokio::spawn(async move {
            serve(channel, shell).await;
            sessions.open.fetch_sub(1, Ordering::SeqCst);
        });
        Ok(())
    }
}

/// Connects a process with a channel, as sshd does: EOF when the channel ends, the code when the process does.
async fn serve(channel: Channel<Msg>, mut command: Command) {
    let mut child = command.spawn().unwrap();
    let (mut from, to) = channel.split();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let mut stdin = child.stdin.take();
    let input = async {
        while let Some(message) = from.wait().await {
            match message {
                ChannelMsg::Data { data } => {
                    let Some(stdin) = &mut stdin else { continue };
                    if stdin.write_all(&data).await.is_err() {
                        break;
                    }
                }
                ChannelMsg::Eof => stdin = None,
                ChannelMsg::Close => break,
                _ => {}
            }
        }
        stdin = None;
    };
    let output = async {
        let mut buffer = vec![0; 65536];
        while let Ok(length @ 1..) = stdout.read(&mut buffer).await {
            let _ = to.data(&buffer[..length]).await;
        }
    };
    let errors = async {
        let mut buffer = vec![0; 65536];
        while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
            let _ = to.extended_data(1, &buffer[..length]).await;
        }
    };
    let ending = async {
        tokio::join!(output, errors);
        child.wait().await.unwrap().code().unwrap_or(255)
    };
    tokio::pin!(input, ending);
    let code = tokio::select! {
        code = &mut ending => code,
        () = &mut input => ending.await,
    };
    let _ = to.exit_status(u32::try_from(code).unwrap()).await;
    let _ = to.eof().await;
    let _ = to.close().await;
}
