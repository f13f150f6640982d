//! Brings home the commits that were made in the cluster, before it goes.

use std::path::PathBuf;
use std::time::Duration;

use engine::event::Step;
use engine::failure::{Failure, Result};
use engine::host::{Answer, Command, ConnectError, Host, Login, Mode, Query, Target, quote};

use crate::githost::{Access, Remote, Source, fetch_back};
use crate::identity::Identity;
use crate::machine::{ClusterFound, NodeFound};
use crate::spec::{Cluster, GitHost, Gitops, Role};

/// A machine that is there answers within this, emulated and busy.
const DEADLINE: Duration = Duration::from_secs(90);

/// Fetches the commits that only the cluster has; answers whether the user's source was altered.
pub async fn fetch(cluster: &Cluster, found: &ClusterFound, identity: Option<&Identity>, step: &Step) -> Result<bool> {
    let Some(gitops) = cluster.gitops.as_ref().filter(|gitops| gitops.host == GitHost::Embedded) else {
        return Ok(false);
    };
    let Some(node) = found.nodes.iter().find(|node| node.role == Role::ControlPlane) else { return Ok(false) };
    let host = connect(node, identity, step).await?;
    fetch_from(cluster, gitops, &host, step).await
}

/// The same from a host that is connected.
pub async fn fetch_from(cluster: &Cluster, gitops: &Gitops, host: &Host, step: &Step) -> Result<bool> {
    let Some(bundle) = bundle(cluster, gitops, host).await? else {
        step.note("no repository was made in the cluster");
        return Ok(false);
    };
    let scratch =
        tempfile::tempdir().map_err(|error| Failure::other("cannot make a temporary directory").because(&error))?;
    let path = scratch.path().join("cluster.bundle");
    std::fs::write(&path, bundle)
        .map_err(|error| Failure::other(format!("cannot write {}", path.display())).because(&error))?;
    let remote = Remote {
        url: path.display().to_string(),
        branch: gitops.branch.clone(),
        cluster: cluster.name.clone(),
        access: Access::Own,
        timeout: Duration::from_secs(60),
    };
    let source = Source::open(&gitops.source, &scratch.path().join("store")).await?;
    let kept = kept_bundle(cluster);
    let fetched = fetch_back(&source, &remote, &kept).await?;
    Ok(fetched.tell(&gitops.source, step))
}

/// Where the history of a plain directory is kept: beside the spec, for the state directory goes.
pub fn kept_bundle(cluster: &Cluster) -> PathBuf {
    cluster.directory.join(format!("{}-commits.bundle", cluster.name))
}

/// The whole branch as a `git bundle`; none if the repository or the branch does not exist.
async fn bundle(cluster: &Cluster, gitops: &Gitops, host: &Host) -> Result<Option<Vec<u8>>> {
    let repository = format!("/srv/git/{}.git", cluster.name);
    let script = format!(
        "cd / && r={} && b={} && [ -d \"$r\" ] || exit 0\n\
         git -c safe.directory='*' -C \"$r\" rev-parse --quiet --verify \"$b\" >/dev/null || exit 0\n\
         exec git -c safe.directory='*' -C \"$r\" bundle create --quiet - \"$b\"",
        quote(&repository),
        quote(&format!("refs/heads/{}", gitops.branch)),
    );
    let Answer::Run(output) = host.view(Mode::Check).see(Query::Run(Command::shell(script))).await? else {
        return Err(Failure::other("the host answered another question"));
    };
    if !output.success() {
        return Err(Failure::step(format!("the commits in {repository} on {} could not be read", host.name()))
            .evidence(output.stderr_text())
            .hint(DISCARD));
    }
    Ok(Some(output.stdout).filter(|bytes| !bytes.is_empty()))
}

const DISCARD: &str = "start the machine and try again, or give its commits up: `seedbed down --discard-commits`";

async fn connect(node: &NodeFound, identity: Option<&Identity>, step: &Step) -> Result<Host> {
    let lost = |failure: Failure| failure.hint(DISCARD);
    let Some(address) = node.address else {
        return Err(lost(Failure::step(format!("the address of {} is not known", node.node))));
    };
    let mut last = None;
    for login in logins(identity) {
        let mut target = Target::new(&node.node, address.to_string(), crate::plan::USER, &node.host_key, login);
        target.deadline = DEADLINE;
        match Host::connect(&target, step).await {
            Ok(host) => return Ok(host),
            Err(error) if error.refused_login() => last = Some(error),
            Err(error) => return Err(lost(unreachable(error))),
        }
    }
    Err(lost(last.map_or_else(
        || {
            Failure::step(format!(
                "nothing can log in to {}: no state directory, no agent, no key in ~/.ssh",
                node.node
            ))
        },
        unreachable,
    )))
}

fn unreachable(error: ConnectError) -> Failure {
    let mut failure: Failure = error.into();
    failure.what = format!("the commits made in the cluster cannot be fetched: {}", failure.what);
    failure
}

/// What may let us in: the generated key; without the state directory, the user's own.
fn logins(identity: Option<&Identity>) -> Vec<Login> {
    if let Some(identity) = identity {
        return vec![Login::Key(identity.user.private.clone())];
    }
    let agent = std::env::var_os("SSH_AUTH_SOCK").map(|_| Login::Agent);
    let home = std::env::home_dir().unwrap_or_default();
    let files = ["id_ed25519", "id_ecdsa"].map(|name| home.join(".ssh").join(name));
    let keys = files.into_iter().filter_map(|path| std::fs::read_to_string(path).ok().map(Login::Key));
    agent.into_iter().chain(keys).collect()
}
