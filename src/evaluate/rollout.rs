//! How long a new version takes: by a commit, from making it until everything is Ready, and the same way back.

mod edit;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use engine::event::Step;
use engine::failure::{Failure, Result};
use kube::Client;
use tokio_util::sync::CancellationToken;

pub use edit::{edit, value};

use super::result::{Case, Part, Stretch};
use crate::flux::{Expected, Object, Reader};
use crate::githost::{Remote, Revision, Source, amend};
use crate::gitops::{Times, follow};
use crate::spec::Rollout;

/// The repository of a cluster, and what becomes Ready there.
pub struct Ground<'a> {
    pub client: &'a Client,
    pub source: &'a Source,
    pub remote: &'a Remote,
    /// What Flux's sources are told by.
    pub url: &'a str,
    /// What is waited for; the commit is the one that is made.
    pub expected: Expected,
}

/// Rolls a version out, and takes it back; the cluster ends as it was.
pub async fn rollout(ground: &Ground<'_>, wanted: &Rollout, step: &Step, token: &CancellationToken) -> Vec<Case> {
    let name = format!("to {}", wanted.to);
    let before = RefCell::new(None);
    let out = token.run_until_cancelled(one(ground, wanted, &wanted.to, &before, step)).await;
    // Nothing was pushed that would have to be taken back.
    let Some(from) = before.into_inner() else {
        return vec![match out {
            Some(Err(failure)) => Case::failed(Part::Rollout, name, failure.to_string()),
            Some(Ok(case)) => Case { name, ..case },
            None => Case::skipped(Part::Rollout, name, "interrupted"),
        }];
    };
    let back = async {
        match &out {
            // A release that fails is left soon; there is nothing to be measured.
            Some(Ok(_)) => one(ground, wanted, &from, &RefCell::default(), step).await,
            _ => take_back(ground, wanted, &from).await,
        }
    };
    let back = back.await;
    let told = |name: String, result: Result<Case>| match result {
        Ok(case) => Case { name, ..case },
        Err(failure) => Case::failed(Part::Rollout, name, failure.to_string()),
    };
    let out = out.unwrap_or_else(|| Err(Failure::interrupted()));
    vec![told(name, out), told(format!("back to {from}"), back)]
}

/// Commits a version and follows it; `before` gets the one that was there, once the commit is pushed.
async fn one(
    ground: &Ground<'_>,
    wanted: &Rollout,
    to: &str,
    before: &RefCell<Option<String>>,
    step: &Step,
) -> Result<Case> {
    let step = step.child_of("roll out", to, &[]);
    let result = roll_out(ground, wanted, to, before, &step).await;
    step.conclude_as(result, |_| true)
}

async fn roll_out(
    ground: &Ground<'_>,
    wanted: &Rollout,
    to: &str,
    before: &RefCell<Option<String>>,
    step: &Step,
) -> Result<Case> {
    let start = Instant::now();
    let Some((from, revision)) = commit(ground, wanted, to).await? else {
        let detail = format!("{} of {} is {to} already", wanted.key.join("."), wanted.file);
        return Ok(Case::skipped(Part::Rollout, "", detail));
    };
    let committed = start.elapsed();
    *before.borrow_mut() = Some(from.clone());
    let expected = Expected { commit: revision.tip.clone(), ..ground.expected.clone() };
    let times = follow(ground.client, ground.url, &revision, &expected, step).await?;
    let runs = running(ground.client, to).await?;
    let runs = if runs.is_empty() { "no workload names it".into() } else { format!("run by {}", runs.join(", ")) };
    let what = format!("by a commit: {} of {} from {from} to {to}; {runs}", wanted.key.join("."), wanted.file);
    let total = (committed + times.ready).as_secs_f64();
    Ok(Case { stretches: stretches(committed, &times), ..Case::passed(Part::Rollout, "", what).measured(total) })
}

/// Commits the version that was there before, and waits for nothing.
async fn take_back(ground: &Ground<'_>, wanted: &Rollout, from: &str) -> Result<Case> {
    commit(ground, wanted, from).await?;
    Ok(Case::skipped(Part::Rollout, "", "taken back by a commit, which was not waited for"))
}

/// Commits and pushes a version; answers the one that was there, or nothing where it is this one.
async fn commit(ground: &Ground<'_>, wanted: &Rollout, to: &str) -> Result<Option<(String, Revision)>> {
    let mut from = String::new();
    let message = format!("Evaluate: {} of {} is {to}", wanted.key.join("."), wanted.file);
    let same = || Failure::refused("it is so already");
    let made = amend(ground.source, ground.remote, &wanted.file, &message, |text| {
        from = value(text, &wanted.key)?;
        if from == to { Err(same()) } else { edit(text, &wanted.key, to) }
    });
    match made.await {
        Ok(seeded) => {
            let revision = Revision::new(seeded, ground.source.git().clone(), ground.remote.clone());
            Ok(Some((from, revision)))
        }
        Err(failure) if failure == same() => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn stretches(committed: Duration, times: &Times) -> Vec<Stretch> {
    let stretch = |name: &str, time: Duration| Stretch { name: name.into(), seconds: time.as_secs_f64() };
    vec![
        stretch("committed and pushed", committed),
        stretch("fetched", times.fetched),
        stretch("applied", times.applied.saturating_sub(times.fetched)),
        stretch("pods ready", times.ready.saturating_sub(times.applied)),
    ]
}

/// The workloads with an image of a version.
async fn running(client: &Client, version: &str) -> Result<Vec<String>> {
    let snapshot = Reader::new(client.clone()).read(false).await?;
    let of_version = |object: &&Object| {
        let workload = matches!(object.kind(), "Deployment" | "StatefulSet" | "DaemonSet");
        let containers = object.list("/spec/template/spec/containers").iter();
        let image = |image: &str| image.strip_suffix(version).is_some_and(|name| name.ends_with([':', '@']));
        workload && containers.filter_map(|container| container["image"].as_str()).any(image)
    };
    Ok(snapshot.objects.iter().filter(of_version).map(|object| object.key().to_string()).collect())
}
