//! `seedbed artifacts`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use engine::failure::Failure;

use super::output::Output;
use super::spec_argument::Spec;
use super::{Context, Ending, Global, Run, put};
use crate::artifact::{self, Catalog, Listed, Pruned, Store};
use crate::assets::Assets;
use crate::report::bytes;
use crate::spec::{self, ArtifactSource, Cluster};

/// A day in seconds.
const DAY: u64 = 24 * 60 * 60;

/// List what a cluster is made of, or bring it all into the store
///
/// The store lies in `~/.cache/seedbed` (`XDG_CACHE_HOME`) and serves every cluster of yours. What is
/// missing is downloaded, its published checksum verified, or built from pinned sources where that cannot be.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed artifacts fetch          then `up` needs no network
  seedbed artifacts copy ~/bin kubectl
  seedbed artifacts prune --dry-run
  seedbed artifacts list -o json | jq -r '.[] | select(.there == null).name'")]
pub struct Artifacts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the artifacts of a cluster: version, where each came from, digest
    List {
        #[command(flatten)]
        spec: Spec,

        /// What is printed
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        output: Output,
    },
    /// Download or build what is missing; a second run fetches nothing
    Fetch {
        #[command(flatten)]
        spec: Spec,

        /// Bring only this one, whether the cluster needs it or not; may be given several times
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
    },
    /// Remove from the store what no run has used for long
    ///
    /// Every run notes what it uses. What is removed is fetched or built again when it is wanted; downloads and builds
    /// that never ended go, too. It waits for runs that use the store.
    Prune {
        /// Keep what was used within so many days
        #[arg(long, value_name = "N", default_value_t = 30)]
        keep_days: u32,

        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Copy artifacts out of the store, after bringing what is missing; no spec is read
    Copy {
        /// Where to; it is made if it is not there
        directory: PathBuf,

        /// Names of artifacts
        #[arg(required = true)]
        names: Vec<String>,

        /// Where what is missing comes from
        #[arg(long, value_name = "SOURCE", default_value = "auto")]
        source: Source,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Source {
    /// Upstream, else build.
    Auto,
    Upstream,
    Build,
}

impl Artifacts {
    pub fn run(&self, global: &Global) -> Ending {
        let one = |failure| vec![failure];
        let spec = match &self.action {
            Action::List { spec, .. } | Action::Fetch { spec, .. } => spec,
            Action::Copy { directory, names, source } => {
                copy(global, directory, names, *source)?;
                return Ok(0);
            }
            Action::Prune { keep_days, dry_run } => {
                prune(global, *keep_days, *dry_run)?;
                return Ok(0);
            }
        };
        let cluster = spec.load()?;
        let catalog = Catalog::load_with(&Assets::beside(&cluster.directory)).map_err(one)?;
        let store = Store::of_user().map_err(one)?;
        let wanted = artifact::needed(&catalog, &cluster).map_err(one)?;
        match &self.action {
            Action::List { output, .. } => {
                let mut listed = artifact::list(&store, &catalog, &cluster.artifacts).map_err(one)?;
                listed.retain(|listed| wanted.contains(&listed.name.as_str()));
                put(&output.of(listed.as_slice(), text));
            }
            Action::Fetch { only, .. } if !only.is_empty() => {
                let only: Vec<&str> = only.iter().map(String::as_str).collect();
                fetch(global, &cluster, &catalog, &store, &only)?;
            }
            Action::Fetch { .. } | Action::Copy { .. } | Action::Prune { .. } => {
                fetch(global, &cluster, &catalog, &store, &wanted)?;
            }
        }
        Ok(0)
    }
}

fn fetch(
    global: &Global,
    cluster: &Cluster,
    catalog: &Catalog,
    store: &Store,
    wanted: &[&str],
) -> Result<(), Vec<Failure>> {
    let run = Run { name: "artifacts fetch", subject: cluster.name.clone(), journal: None, summary: true };
    super::run(global, &run, async |context: &Context| {
        let ensure = store.ensure(catalog, wanted, &cluster.artifacts, &context.step);
        // A download that is dropped is resumed by the next run.
        context.unless_interrupted(async { ensure.await.map(drop).map_err(|failure| vec![failure]) }).await
    })
}

fn copy(global: &Global, directory: &Path, names: &[String], source: Source) -> Result<(), Vec<Failure>> {
    let one = |failure| vec![failure];
    let catalog = Catalog::load().map_err(one)?;
    let store = Store::of_user().map_err(one)?;
    let source = match source {
        Source::Auto => ArtifactSource::Auto,
        Source::Upstream => ArtifactSource::Upstream,
        Source::Build => ArtifactSource::Build,
    };
    let settings = spec::Artifacts { source, mirrors: BTreeMap::new(), overrides: BTreeMap::new() };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let run = Run { name: "artifacts copy", subject: directory.display().to_string(), journal: None, summary: false };
    super::run(global, &run, async |context: &Context| {
        let work = async { store.ensure(&catalog, &names, &settings, &context.step).await?.copy_to(directory) };
        context.unless_interrupted(async { work.await.map_err(one) }).await
    })
}

fn prune(global: &Global, keep_days: u32, only_say: bool) -> Result<(), Vec<Failure>> {
    let one = |failure| vec![failure];
    let store = Store::of_user().map_err(one)?;
    let keep = Duration::from_secs(u64::from(keep_days) * DAY);
    let subject = store.root().display().to_string();
    let run = Run { name: "artifacts prune", subject, journal: None, summary: false };
    let pruned = super::run(global, &run, async |context: &Context| {
        let work = store.prune(keep, only_say, &context.step);
        context.unless_interrupted(async { work.await.map_err(one) }).await
    })?;
    put(&removed(&pruned, only_say));
    Ok(())
}

/// What was removed, a line for each thing that had a name, and how much that was.
fn removed(pruned: &Pruned, only_say: bool) -> String {
    let mut text = String::new();
    for (names, unused) in &pruned.unused {
        let _ = writeln!(text, "{names}: not used for {} days", unused.as_secs() / DAY);
    }
    let would = if only_say { "would be removed" } else { "removed" };
    let _ = writeln!(text, "{} files, {}, {would}", pruned.files.len(), bytes(pruned.size));
    text
}

fn text(listed: &[Listed]) -> String {
    let width = listed.iter().map(|listed| listed.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for one in listed {
        let (origin, size, digest) = match &one.there {
            Some(there) => (format!("{:?}", there.origin).to_lowercase(), bytes(there.size), &there.digest[..12]),
            None => ("missing".to_owned(), String::new(), ""),
        };
        let _ = writeln!(text, "{:width$}  {:<12}  {origin:<8}  {size:>10}  {digest}", one.name, one.version);
    }
    let missing = listed.iter().filter(|listed| listed.there.is_none()).count();
    if missing > 0 {
        let _ = writeln!(text, "\n{missing} of {} are missing: `seedbed artifacts fetch` brings them", listed.len());
    }
    text
}
