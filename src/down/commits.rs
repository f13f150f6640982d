//! Brings home the commits that were made in the cluster, before it goes.

use std::path::Path;
use std::time::Duration;

use engine::event::Step;
use engine::failure::{Failure, Result};
use engine::host::{Answer, Command, ConnectError, Host, Login, Mode, Query, Target, quote};

use super::Removal;
use crate::githost::{FetchedBack, Received, Source, fetch_back};
use crate::identity::Identity;
use crate::machine::{ClusterFound, NodeFound};
use crate::spec::{Cluster, Role};

/// A machine that is there answers within this, emulated and busy.
const DEADLINE: Duration = Duration::from_secs(90);

/// Where the repositories of a cluster lie on its control plane.
const REPOSITORIES: &str = "/srv/git";

/// Fetches the commits that only the cluster has, whatever the spec says of Git now.
pub(super) async fn fetch(removal: &Removal<'_>, found: &ClusterFound, step: &Step) -> Result<Vec<FetchedBack>> {
    let Some(node) = found.nodes.iter().find(|node| node.role == Role::ControlPlane) else { return Ok(Vec::new()) };
    let host = removal.looking(connect(node, removal.identity, step)).await?;
    // The machine goes with all that is on it.
    let names = removal.looking(repositories(&host)).await?;
    fetch_from(removal, &host, &names, step).await
}

/// Fetches the cluster's own repository from a machine that stays; another's is not touched.
pub(super) async fn fetch_own(removal: &Removal<'_>, host: &Host, step: &Step) -> Result<Vec<FetchedBack>> {
    let own = format!("{}.git", removal.cluster.name);
    let names = removal.looking(repositories(host)).await?;
    let names: Vec<String> = names.into_iter().filter(|name| *name == own).collect();
    fetch_from(removal, host, &names, step).await
}

async fn fetch_from(removal: &Removal<'_>, host: &Host, names: &[String], step: &Step) -> Result<Vec<FetchedBack>> {
    let cluster = removal.cluster;
    if names.is_empty() {
        step.note("no repository was made in the cluster");
    }
    let scratch =
        tempfile::tempdir().map_err(|error| Failure::other("cannot make a temporary directory").because(&error))?;
    let store = scratch.path().join("store");
    let source = source(cluster, &store, step).await?;
    let place = cluster.gitops.as_ref().map(|gitops| gitops.source.clone()).unwrap_or_default();
    let mut all = Vec::new();
    for name in names {
        let path = scratch.path().join("cluster.bundle");
        let bundle = removal.looking(bundle(host, name)).await?;
        std::fs::write(&path, bundle)
            .map_err(|error| Failure::other(format!("cannot write {}", path.display())).because(&error))?;
        let name = name.strip_suffix(".git").unwrap_or(name);
        let own = name == cluster.name;
        let kept = if own { format!("{name}-commits") } else { format!("{}-{name}-commits", cluster.name) };
        let received = Received {
            bundle: &path,
            cluster: &cluster.name,
            branch: cluster.gitops.as_ref().map_or("", |gitops| &gitops.branch),
            // Beside the spec, for the state directory goes.
            directory: &cluster.directory,
            name: &kept,
        };
        // Only the repository that was seeded from the source goes back into it.
        let fetched = fetch_back(source.as_ref().filter(|_| own), &received).await?;
        for fetched in &fetched {
            fetched.tell(&place, step);
        }
        all.extend(fetched);
    }
    Ok(all)
}

/// The user's source; none where the spec names none, or one that is not there any more.
async fn source(cluster: &Cluster, store: &Path, step: &Step) -> Result<Option<Source>> {
    let Some(gitops) = &cluster.gitops else { return Ok(None) };
    if !gitops.source.is_dir() {
        step.warn(format!("the gitops source {} is not there", gitops.source.display()));
        return Ok(None);
    }
    Source::open(&gitops.source, store).await.map(Some)
}

/// The names of the repositories that have anything in them.
async fn repositories(host: &Host) -> Result<Vec<String>> {
    let script = format!(
        "set -e; cd {REPOSITORIES} 2>/dev/null || exit 0\n\
         for r in *; do\n\
         [ -e \"$r/HEAD\" ] && [ -d \"$r/objects\" ] || continue\n\
         any=$(git -c safe.directory='*' -C \"$r\" for-each-ref --count=1)\n\
         [ -z \"$any\" ] || printf '%s\\n' \"$r\"\n\
         done"
    );
    let output = run(host, script, "the repositories").await?;
    Ok(String::from_utf8_lossy(&output).lines().map(str::to_owned).collect())
}

/// A whole repository as a `git bundle`: every branch, whichever the spec names.
async fn bundle(host: &Host, name: &str) -> Result<Vec<u8>> {
    let repository = format!("{REPOSITORIES}/{name}");
    let script =
        format!("cd / && exec git -c safe.directory='*' -C {} bundle create --quiet - --all", quote(&repository));
    run(host, script, &format!("the commits in {repository}")).await
}

async fn run(host: &Host, script: String, what: &str) -> Result<Vec<u8>> {
    let Answer::Run(output) = host.view(Mode::Check).see(Query::Run(Command::shell(script))).await? else {
        return Err(Failure::other("the host answered another question"));
    };
    if !output.success() {
        return Err(Failure::step(format!("{what} on {} could not be read", host.name()))
            .evidence(output.stderr_text())
            .hint(DISCARD));
    }
    Ok(output.stdout)
}

/// Refuses to make a cluster anew from a source that lacks commits; nothing was removed yet.
pub fn refuse_aside(fetched: &[FetchedBack]) -> Option<Failure> {
    let aside: Vec<&FetchedBack> = fetched.iter().filter(|fetched| fetched.aside()).collect();
    if aside.is_empty() {
        return None;
    }
    let mut failure = Failure::refused("the source lacks commits that were made in the cluster; nothing was removed")
        .cause("a cluster that is made anew from it would go back behind them");
    for fetched in aside {
        failure = match fetched {
            FetchedBack::Kept { count, reference, why, .. } => failure
                .cause(format!("{count} commits are kept under {reference}, not on the branch: {why}"))
                .hint(format!("Take them over, in the source: git merge {reference}. Then run it again.")),
            FetchedBack::Bundled { bundle, why, .. } => failure
                .cause(format!("they are kept in {}: {why}", bundle.display()))
                .hint(format!("Look at them: git clone {}. Take over what you need.", bundle.display())),
            FetchedBack::Nothing | FetchedBack::Merged { .. } | FetchedBack::Files { .. } => failure,
        };
    }
    Some(failure.hint("Or go on without them, they stay where they are: `seedbed down`, then `seedbed up`."))
}

/// What may be done where the commits cannot be reached.
pub const DISCARD: &str = "start the machine and try again, or give its commits up: `seedbed down --discard-commits`";

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
