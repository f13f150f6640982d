//! What a change of the repository would do in the cluster: built as Flux builds, compared by a server-side dry run.

mod build;
mod compare;
mod export;
mod generate;
mod kustomize;
mod prune;
mod served;
mod show;
mod substitute;

use std::collections::{BTreeSet, VecDeque};

use engine::event::{Step, Unit};
use engine::failure::{Failure, Result};
use futures::StreamExt as _;
use kube::Client;
use kube::api::DynamicObject;
use serde::Serialize;

use super::Reached;
use crate::artifact::{Catalog, Store};
use crate::assets::Assets;
use crate::flux::{self, Key, NAME, NAMESPACE, Object, Snapshot};
use crate::spec::Cluster;
use crate::state::State;
use build::Built;
pub use export::export;
pub use kustomize::Kustomize;
use served::Served;
pub use show::text;

/// As many requests at once as an emulated API server answers without falling behind.
const AT_ONCE: usize = 4;

/// What a change would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// What was compared: a commit, or the working tree.
    pub source: String,
    /// How many objects would stay as they are.
    pub unchanged: usize,
    pub differences: Vec<Difference>,
    /// What could not be built or compared, and why.
    pub unknown: Vec<Unknown>,
}

/// What would become of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The Kustomization that applies it.
    pub kustomization: Key,
    pub object: Key,
    pub action: Action,
    /// A unified diff; the values of Secrets are masked.
    pub diff: String,
    /// Why it is refused, or what a dry run could not look at.
    pub why: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Created,
    Changed,
    Pruned,
    /// The API would not take it.
    Refused,
}

impl Diff {
    /// Whether Flux would fail to apply it: an object is refused, or a whole Kustomization does not build.
    pub fn fails(&self) -> bool {
        self.differences.iter().any(|one| one.action == Action::Refused) || self.unknown.iter().any(|one| one.broken)
    }
}

/// What could not be built or compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unknown {
    pub kustomization: Key,
    /// None: all of the Kustomization.
    pub object: Option<Key>,
    pub why: String,
    /// Whether Flux would fail on it, too.
    pub broken: bool,
}

/// Compares what lies in the source, committed or not, or one of its commits, with the cluster. Alters nothing.
pub async fn diff(cluster: &Cluster, state: &State, commit: Option<&str>, step: &Step) -> Result<Diff, Vec<Failure>> {
    let reached = Reached::find(cluster, state, step).await?;
    let work = async {
        let scratch =
            tempfile::tempdir().map_err(|error| Failure::other("cannot make a temporary directory").because(&error))?;
        let catalog = Catalog::load_with(&Assets::beside(&cluster.directory))?;
        let bits = Store::of_user()?.ensure(&catalog, &["kubectl"], &cluster.artifacts, step).await?;
        // The store's files are not executable.
        bits.copy_to(&scratch.path().join("bin"))?;
        let tree = scratch.path().join("tree");
        let source = export(&reached.source, &reached.gitops.spec.branch, commit, &tree).await?;
        let kustomize = Kustomize { kubectl: scratch.path().join("bin/kubectl"), tree };
        compare_tree(&reached.client, &kustomize, source, step).await
    };
    work.await.map_err(|failure| vec![failure])
}

/// Compares an exported tree with the cluster, from Flux's first Kustomization on.
pub async fn compare_tree(client: &Client, kustomize: &Kustomize, source: String, step: &Step) -> Result<Diff> {
    let live = flux::read_tiers(client).await?;
    let root = Key::new("Kustomization", NAMESPACE, NAME);
    let Some(first) = live.flux().find(|object| object.key() == root) else {
        return Err(Failure::refused(format!("the cluster has no {root}"))
            .hint("`seedbed up` installs Flux and points it at the repository."));
    };
    let mut diff = Diff { source, ..Diff::default() };
    let building = step.child("build");
    let tiers = build_all(client, kustomize, first, &building, &mut diff).await;
    building.finish(false);
    let comparing = step.child("compare");
    compare_all(client, &tiers, &live, &comparing, &mut diff).await?;
    comparing.finish(false);
    Ok(diff)
}

/// Builds the first tier and every tier that is found in what was built.
async fn build_all(client: &Client, kustomize: &Kustomize, first: &Object, step: &Step, diff: &mut Diff) -> Vec<Built> {
    let (mut queue, mut seen, mut tiers) = (VecDeque::from([first.clone()]), BTreeSet::new(), Vec::<Built>::new());
    while let Some(tier) = queue.pop_front() {
        let key = tier.key();
        if !seen.insert(key.clone()) {
            continue;
        }
        let unknown = |why: String, broken| Unknown { kustomization: key.clone(), object: None, why, broken };
        if tier.suspended() {
            diff.unknown.push(unknown("it is suspended: nothing of it is applied".into(), false));
            continue;
        }
        step.progress(tiers.len() as u64, None, Unit::Items);
        match build::build(client, kustomize, tier, &tiers, step).await {
            Ok(built) => {
                queue.extend(built.tiers());
                diff.unknown.extend(built.unknown.iter().cloned());
                tiers.push(built);
            }
            Err(failure) => {
                let evidence = failure.evidence.iter().map(|text| format!(": {}", text.trim()));
                diff.unknown.push(unknown(format!("{failure}{}", evidence.collect::<String>()), true));
            }
        }
    }
    tiers
}

async fn compare_all(client: &Client, tiers: &[Built], live: &Snapshot, step: &Step, diff: &mut Diff) -> Result<()> {
    let objects: Vec<(&Built, &DynamicObject)> =
        tiers.iter().flat_map(|tier| tier.objects.iter().map(move |object| (tier, object))).collect();
    let mut served = Served::new(client.clone());
    for (_, object) in &objects {
        served.look(object).await?;
    }
    let new = compare::New::of(objects.iter().map(|(_, object)| *object));
    let looks = objects.iter().map(|(tier, object)| compare::compare(&served, &new, &tier.key, object));
    let mut looks = futures::stream::iter(looks).buffered(AT_ONCE).enumerate();
    while let Some((index, look)) = looks.next().await {
        step.progress(index as u64 + 1, Some(objects.len() as u64), Unit::Items);
        match look? {
            Some(difference) => diff.differences.push(difference),
            None => diff.unchanged += 1,
        }
    }
    drop(looks);
    diff.differences.extend(prune::prune(&mut served, tiers, live).await?);
    Ok(())
}
