//! The SSH connection. The only file that names russh, whose API moves, and the only one that spawns.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use russh::client::{self, Handle, Msg};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate, decode_secret_key};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Preferred};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::connect_error::Reason;
use super::target::{Login, Target};

/// An emulated machine under load can be silent for a minute and still be well.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVES: usize = 8;
/// The pauses, in milliseconds, while sshd has as many sessions as it allows: a task that is just being ended keeps its
/// own for some seconds.
const FULL: [u64; 7] = [50, 200, 500, 1000, 2000, 3000, 5000];

/// A connection whose host key was checked and whose user is logged in.
pub(super) struct Ssh {
    handle: Handle<HostKey>,
}

/// Accepts the one known host key and remembers what else was shown.
struct HostKey {
    known: PublicKey,
    shown: Arc<Mutex<Option<PublicKey>>>,
}

impl client::Handler for HostKey {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let shown = shown.public_key();
        let same = shown.key_data() == self.known.key_data();
        if let Ok(mut place) = self.shown.lock() {
            *place = Some(shown);
        }
        Ok(same)
    }
}

impl Ssh {
    /// Tries once to connect and log in.
    pub(super) async fn connect(target: &Target) -> Result<Self, Reason> {
        let known = PublicKey::from_openssh(target.host_key.trim())
            .map_err(|error| Reason::Unusable(format!("the known host key of {}: {error}", target.name)))?;
        let key = match &target.login {
            Login::Key(text) => Some(private_key(text)?),
            Login::Agent => None,
        };
        // The known kind first, or a host with several keys shows another one.
        let preferred = Preferred::default();
        let mut kinds = vec![known.algorithm()];
        kinds.extend(preferred.key.iter().filter(|kind| **kind != known.algorithm()).cloned());
        let config = Arc::new(client::Config {
            nodelay: true,
            keepalive_interval: Some(KEEPALIVE),
            keepalive_max: KEEPALIVES,
            preferred: Preferred { key: kinds.into(), ..preferred },
            ..client::Config::default()
        });
        let shown = Arc::new(Mutex::new(None));
        let handler = HostKey { known: known.clone(), shown: Arc::clone(&shown) };
        let address = (target.address.as_str(), target.port);
        let stream = TcpStream::connect(address).await.map_err(|error| unreachable_because(&error))?;
        stream.set_nodelay(true).map_err(|error| Reason::Protocol(error.to_string()))?;
        let connected = client::connect_stream(config, stream, handler).await;
        let mut handle =
            connected.map_err(|error| match (error, shown.lock().ok().and_then(|shown| shown.clone())) {
                (russh::Error::UnknownKey, Some(shown)) => Reason::HostKey {
                    expected: known.fingerprint(HashAlg::Sha256).to_string(),
                    found: shown.fingerprint(HashAlg::Sha256).to_string(),
                },
                (russh::Error::IO(error), _) => unreachable_because(&error),
                (error, _) => Reason::Protocol(format!("the SSH handshake failed: {error}")),
            })?;
        log_in(&mut handle, &target.user, key).await?;
        Ok(Self { handle })
    }

    /// Runs a command line in the user's login shell.
    pub(super) async fn exec(&self, command: &str) -> Result<Exec, Reason> {
        let refused = |error: russh::Error| Reason::Shell(format!("the session was refused: {error}"));
        let mut pauses = FULL.into_iter();
        let channel = loop {
            match (self.handle.channel_open_session().await, pauses.next()) {
                (Ok(channel), _) => break channel,
                (Err(russh::Error::ChannelOpenFailure(_)), Some(pause)) => sleep(Duration::from_millis(pause)).await,
                (Err(error), _) => return Err(refused(error)),
            }
        };
        channel.exec(true, command).await.map_err(refused)?;
        let (read, write) = channel.split();
        Ok(Exec { ears: Ears(read), mouth: Mouth { write: Arc::new(write) } })
    }
}

fn private_key(text: &str) -> Result<PrivateKey, Reason> {
    decode_secret_key(text, None).map_err(|error| {
        Reason::Unusable(format!("the private key cannot be used ({error}): give an unencrypted key, or use the agent"))
    })
}

async fn log_in(handle: &mut Handle<HostKey>, user: &str, key: Option<PrivateKey>) -> Result<(), Reason> {
    let refused = |detail: &str| Reason::Login { user: user.to_owned(), detail: detail.to_owned() };
    if let Some(key) = key {
        let shown = format!("key {}", key.fingerprint(HashAlg::Sha256));
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), Some(HashAlg::Sha512));
        let answer = handle.authenticate_publickey(user, key).await;
        let answer = answer.map_err(|error| Reason::Protocol(format!("the login broke off: {error}")))?;
        return if answer.success() { Ok(()) } else { Err(refused(&shown)) };
    }
    let unusable = |error: &dyn std::fmt::Display| Reason::Unusable(format!("the SSH agent: {error}"));
    let mut agent = AgentClient::connect_env().await.map_err(|error| unusable(&error))?;
    let mut tried = 0;
    for identity in agent.request_identities().await.map_err(|error| unusable(&error))? {
        let AgentIdentity::PublicKey { key, .. } = identity else { continue };
        let hash = key.algorithm().is_rsa().then_some(HashAlg::Sha512);
        tried += 1;
        if handle
            .authenticate_publickey_with(user, key, hash, &mut agent)
            .await
            .map_err(|error| unusable(&error))?
            .success()
        {
            return Ok(());
        }
    }
    Err(refused(&format!("none of the agent's {tried} keys")))
}

fn unreachable_because(error: &std::io::Error) -> Reason {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Reason::Refused,
        _ => Reason::NoAnswer(error.to_string()),
    }
}

/// A command that runs on the host.
pub(super) struct Exec {
    pub(super) ears: Ears,
    pub(super) mouth: Mouth,
}

/// The command's output.
pub(super) struct Ears(ChannelReadHalf);

/// The command's input. Dropped, it closes the channel, so that the command sees EOF.
pub(super) struct Mouth {
    write: Arc<ChannelWriteHalf<Msg>>,
}

/// What a command said.
#[derive(Debug)]
pub(super) enum Heard {
    Out(Bytes),
    Err(Bytes),
    /// It ended, with this exit code.
    End(i32),
}

impl Ears {
    /// Waits for what the command says next; `None` once the channel is closed.
    pub(super) async fn hear(&mut self) -> Option<Heard> {
        loop {
            match self.0.wait().await? {
                ChannelMsg::Data { data } => return Some(Heard::Out(data)),
                ChannelMsg::ExtendedData { data, .. } => return Some(Heard::Err(data)),
                ChannelMsg::ExitStatus { exit_status } => {
                    return Some(Heard::End(i32::try_from(exit_status).unwrap_or(i32::MAX)));
                }
                ChannelMsg::ExitSignal { .. } => return Some(Heard::End(128)),
                ChannelMsg::Failure => return None,
                _ => {}
            }
        }
    }
}

impl Mouth {
    /// Sends bytes; waits while the host takes none. False once the channel is gone.
    pub(super) async fn say(&self, bytes: impl Into<Bytes>) -> bool {
        self.write.data_bytes(bytes).await.is_ok()
    }

    /// Ends the input.
    pub(super) async fn end(&self) -> bool {
        self.write.eof().await.is_ok()
    }
}

impl Drop for Mouth {
    fn drop(&mut self) {
        let write = Arc::clone(&self.write);
        let close = async move { write.close().await.map_or((), |()| ()) };
        // Sent at once where there is room; a drop cannot await.
        let mut close = Box::pin(close);
        if close.as_mut().now_or_never().is_none()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(close);
        }
    }
}
