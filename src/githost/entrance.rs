//! How the workstation and Flux enter the Git host.

use std::time::Duration;

use engine::digest;
use engine::failure::{Failure, Result};
use url::Url;

use super::{Access, Remote};
use crate::identity::Identity;
use crate::plan::{GitopsPlan, Pace, Plan};
use crate::spec::{Credentials, GitHost};
use crate::state::{State, private_directory, write_private};

/// What opens the Git host.
#[derive(Clone, Debug)]
pub struct Entrance {
    /// How the workstation reaches the branch.
    pub remote: Remote,
    /// The data of the Secret with which Flux reads.
    pub credentials: SecretData,
    /// The token of the Receiver that the embedded host calls.
    pub token: Option<String>,
}

/// Names and values of a Secret; `Debug` shows the names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretData(pub Vec<(String, String)>);

impl std::fmt::Debug for SecretData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// The absolute path of the embedded repository on its host.
pub fn repository_path(cluster: &str) -> String {
    format!("/srv/git/{cluster}.git")
}

/// Finds the keys or credentials, and writes what `ssh` needs into the state directory.
pub async fn enter(plan: &Plan, gitops: &GitopsPlan, identity: &Identity, state: &State) -> Result<Entrance> {
    let (access, credentials, token) = match &gitops.spec.host {
        GitHost::Embedded => embedded(plan, gitops, identity, state)?,
        GitHost::Url { url, credentials } => {
            let (access, data) = by_url(url, credentials.as_ref(), state).await?;
            (access, data, None)
        }
    };
    let timeout = Duration::from_secs(if plan.pace == Pace::Emulated { 600 } else { 120 });
    let remote = Remote {
        url: gitops.url.clone(),
        branch: gitops.spec.branch.clone(),
        cluster: plan.cluster.clone(),
        access,
        timeout,
    };
    Ok(Entrance { remote, credentials, token })
}

type Keys = (Access, SecretData, Option<String>);

fn embedded(plan: &Plan, gitops: &GitopsPlan, identity: &Identity, state: &State) -> Result<Keys> {
    let url = parse(&gitops.url)?;
    let known = format!("{} {}\n", host_pattern(&url), plan.first_control_plane().host_key.trim());
    let access = key_files(state, &identity.git.workstation.private, &known)?;
    let data = [
        ("identity", identity.git.flux.private.clone()),
        ("identity.pub", identity.git.flux.public.clone()),
        ("known_hosts", known),
    ];
    let data = SecretData(data.map(|(name, value)| (name.to_owned(), value)).to_vec());
    Ok((access, data, Some(receiver_token(identity))))
}

/// The token of the Receiver that the embedded host calls.
pub fn receiver_token(identity: &Identity) -> String {
    digest::of_bytes(format!("seedbed receiver {}", identity.git.flux.private).as_bytes())
}

async fn by_url(text: &str, credentials: Option<&Credentials>, state: &State) -> Result<(Access, SecretData)> {
    let url = parse(text)?;
    let value = credentials.map(read).transpose()?;
    let pairs = |pairs: Vec<(&str, String)>| {
        SecretData(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    match (url.scheme(), value) {
        ("ssh", Some(key)) => {
            let known = known_hosts(&url).await?;
            let access = key_files(state, &key, &known)?;
            Ok((access, pairs(vec![("identity", key), ("known_hosts", known)])))
        }
        ("ssh", None) => Err(Failure::invalid(format!("{text} has no credentials"))
            .cause("Flux reads it from within the cluster and needs a key of its own")
            .hint("Name a private key without a passphrase: gitops.host.credentials.")),
        (_, None) => Ok((Access::Own, SecretData::default())),
        (_, Some(value)) => {
            let (user, password) = match value.trim().split_once(':') {
                Some((user, password)) => (user.to_owned(), password.to_owned()),
                None => ("git".to_owned(), value.trim().to_owned()),
            };
            let data = pairs(vec![("username", user.clone()), ("password", password.clone())]);
            Ok((Access::Password { user, password }, data))
        }
    }
}

/// Refuses credentials that are not at hand, before anything else is done.
pub fn require_credentials(host: &GitHost) -> Result<()> {
    let GitHost::Url { credentials: Some(credentials), .. } = host else { return Ok(()) };
    read(credentials).map(drop)
}

fn parse(url: &str) -> Result<Url> {
    Url::parse(url).map_err(|error| Failure::invalid(format!("{url} is no URL")).because(&error))
}

/// The host as `known_hosts` writes it (sshd(8)).
fn host_pattern(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        None | Some(22) => host.to_owned(),
        Some(port) => format!("[{host}]:{port}"),
    }
}

fn key_files(state: &State, private: &str, known: &str) -> Result<Access> {
    private_directory(&state.ssh())?;
    let (key, known_hosts) = (state.ssh().join("git_ed25519"), state.ssh().join("git_known_hosts"));
    // OpenSSH refuses a key without a final newline.
    write_private(&key, format!("{}\n", private.trim_end()).as_bytes())?;
    write_private(&known_hosts, known.as_bytes())?;
    Ok(Access::Key { key, known_hosts })
}

/// Reads what the spec only names.
pub fn read(credentials: &Credentials) -> Result<String> {
    match credentials {
        Credentials::Environment(name) => std::env::var(name).map_err(|_| {
            Failure::refused(format!("the environment variable {name} is not set"))
                .cause("gitops.host.credentials names it")
                .hint(format!("Export {name} with the key, token or USER:PASSWORD."))
        }),
        Credentials::File(path) => std::fs::read_to_string(path).map_err(|error| {
            Failure::refused(format!("the credentials in {} cannot be read", path.display())).because(&error)
        }),
    }
}

/// The host's keys as the user already knows them: nothing is trusted on first use.
async fn known_hosts(url: &Url) -> Result<String> {
    let pattern = host_pattern(url);
    let output = tokio::process::Command::new("ssh-keygen")
        .args(["-F", &pattern])
        .stdin(std::process::Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| Failure::refused("ssh-keygen cannot be run").because(&error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    // Hashed names would tell Flux nothing.
    let keys = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '));
    let known = keys.fold(String::new(), |text, (_, key)| text + &format!("{pattern} {key}\n"));
    if known.is_empty() {
        return Err(Failure::refused(format!("the host key of {pattern} is not in your known_hosts"))
            .hint(format!("Check it, then run ssh-keyscan {pattern} >> ~/.ssh/known_hosts.")));
    }
    Ok(known)
}
