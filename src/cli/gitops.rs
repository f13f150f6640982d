//! `seedbed gitops`.

use std::time::Duration;

use clap::{Args, Subcommand};
use engine::failure::{Failure, Kind};
use jiff::SignedDuration;

use super::output::Output;
use super::spec_argument::Spec;
use super::{Context, Ending, Global, Run, put};
use crate::gitops::{self, Pushed};
use crate::report::{Paint, duration};
use crate::spec::Sources;
use crate::state::State;

/// Work with the repository of a cluster that runs: push, pull, diff
///
/// The repository is the one that the spec names, embedded or elsewhere; nothing is ever forced.
#[derive(Debug, Args)]
pub struct Gitops {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Push(Push),
    Pull(Pull),
    Diff(Diff),
}

/// Send your commits to the cluster, and wait until they are Ready
///
/// Sends what `up` would seed, and tells Flux at once rather than at its next interval. Refused where the
/// repository has commits that yours lacks: `seedbed gitops pull` brings them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed gitops push
  seedbed gitops push -o json | jq .times.applied
  seedbed gitops push --no-wait

The times: `pushed` is how long sending took; `fetched` by Flux, `applied` by every tier and `Ready`
count from then.

Exit codes: 0 Ready (or sent, with --no-wait), 3 the repository moved: pull first, 4 no such cluster
was made, 6 it did not become Ready, 130 interrupted, 1 anything else.")]
struct Push {
    #[command(flatten)]
    spec: Spec,

    /// Wait until everything is Ready; this is the default
    #[arg(long, overrides_with = "no_wait")]
    wait: bool,

    /// Return as soon as the commits are sent and Flux was told
    #[arg(long)]
    no_wait: bool,

    /// Give up waiting after this many minutes
    #[arg(long, value_name = "MINUTES")]
    timeout: Option<u64>,

    /// What is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

/// Bring the commits made in the cluster into your repository, as `down` does
///
/// Image automation commits in the cluster. A clean branch moves forward to its commits; where it cannot just
/// move, they are kept under a reference and you are told how to go on. Nothing is removed in the cluster.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed gitops pull
  seedbed gitops pull && git -C gitops log --oneline -5

Exit codes: 0 your repository has all of them, 4 it has changes or commits of its own and cannot just
move, 130 interrupted, 1 anything else.")]
struct Pull {
    #[command(flatten)]
    spec: Spec,
}

/// Show what a change of your repository would do in the cluster; alters nothing
///
/// Builds every Flux Kustomization as Flux does, from what lies in your repository, committed or not, and has the API
/// server apply each object in a dry run. Values of Secrets are masked. Of a HelmRelease its own spec is compared,
/// not what its chart makes of it; what only Flux can build or decrypt is listed as not compared.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed gitops diff
  seedbed gitops diff --commit main~1
  seedbed gitops diff -o json | jq -r '.differences[] | \"\\(.action) \\(.object.kind) \\(.object.name)\"'

Exit codes: 0 the API would take all of it, 4 no such cluster was made, 6 it would refuse something, or a
Kustomization does not build, 130 interrupted, 1 anything else.")]
struct Diff {
    #[command(flatten)]
    spec: Spec,

    /// Compare this commit rather than what lies there
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,

    /// What is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

impl Gitops {
    pub fn run(&self, global: &Global) -> Ending {
        match &self.action {
            Action::Push(push) => push.run(global),
            Action::Pull(pull) => pull.run(global),
            Action::Diff(diff) => diff.run(global),
        }
    }
}

impl Push {
    fn run(&self, global: &Global) -> Ending {
        let cluster = self.spec.load_whole(global, Sources::Leave)?;
        let state = State::of(&cluster);
        let journal = state.exists().then(|| super::run::journal(&state));
        let run = Run { name: "gitops push", subject: cluster.name.clone(), journal, summary: false };
        let limit = self.timeout.map(|minutes| Duration::from_secs(minutes * 60));
        let pushed = super::run(global, &run, async |context: &Context| {
            let work = gitops::push(&cluster, &state, !self.no_wait, &context.step);
            let work = async {
                match limit {
                    Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(vec![late(limit)])),
                    None => work.await,
                }
            };
            context.unless_interrupted(Box::pin(work)).await
        })?;
        put(&self.output.of(&pushed, text));
        Ok(0)
    }
}

impl Pull {
    fn run(&self, global: &Global) -> Ending {
        let cluster = self.spec.load()?;
        let state = State::of(&cluster);
        let run = Run { name: "gitops pull", subject: cluster.name.clone(), journal: None, summary: false };
        super::run(global, &run, async |context: &Context| gitops::pull(&cluster, &state, &context.step).await)?;
        Ok(0)
    }
}

impl Diff {
    fn run(&self, global: &Global) -> Ending {
        let cluster = self.spec.load()?;
        let state = State::of(&cluster);
        let run = Run { name: "gitops diff", subject: cluster.name.clone(), journal: None, summary: false };
        let (text, json, fails) = super::run(global, &run, async |context: &Context| {
            let work = gitops::diff(&cluster, &state, self.commit.as_deref(), &context.step);
            let diff = context.unless_interrupted(Box::pin(work)).await?;
            let secrets = context.events().secrets();
            let text = gitops::diff::text(&diff, Paint::for_stdout(global.color));
            let json = format!("{:#}\n", serde_json::json!(diff));
            // A variable's value may come from a Secret and stand anywhere.
            Ok((secrets.mask(text), secrets.mask(json), diff.fails()))
        })?;
        put(match self.output {
            Output::Text => &text,
            Output::Json => &json,
        });
        Ok(if fails { crate::error::code(Kind::NotReady) } else { 0 })
    }
}

fn late(limit: Duration) -> Failure {
    Failure::new(Kind::NotReady, format!("not Ready after {} minutes (--timeout)", limit.as_secs() / 60))
        .hint("`seedbed status` shows what is missing.")
}

fn text(pushed: &Pushed) -> String {
    let time = |time: Duration| duration(SignedDuration::try_from(time).unwrap_or_default());
    let what = if pushed.sent { time(pushed.took) } else { "nothing to send".into() };
    let commit = pushed.tip.get(..12).unwrap_or(&pushed.tip);
    let mut text = format!("pushed   {what}  {commit} on {} of {}\n", pushed.branch, pushed.url);
    if let Some(times) = &pushed.times {
        for (name, since) in [("fetched", times.fetched), ("applied", times.applied), ("Ready", times.ready)] {
            text += &format!("{name:<8} {}\n", time(since));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitops::Times;

    #[test]
    fn the_times_are_shown() {
        let second = Duration::from_secs;
        let mut pushed = Pushed {
            commit: "0123456789abcdef".into(),
            tip: "0123456789abcdef".into(),
            branch: "main".into(),
            url: "ssh://git@10.0.0.2/srv/git/demo.git".into(),
            sent: true,
            took: Duration::from_millis(1234),
            times: Some(Times { fetched: second(1), applied: second(4), ready: second(75) }),
        };
        insta::assert_snapshot!(text(&pushed), @"
        pushed   1.2s  0123456789ab on main of ssh://git@10.0.0.2/srv/git/demo.git
        fetched  1.0s
        applied  4.0s
        Ready    1m15s
        ");
        pushed.sent = false;
        pushed.times = None;
        insta::assert_snapshot!(text(&pushed), @"pushed   nothing to send  0123456789ab on main of ssh://git@10.0.0.2/srv/git/demo.git");
    }
}
