//! Runs work with a reporter, and ends it on Ctrl-C.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::event::{Events, Step};
use engine::failure::{Failure, Kind};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Global, say};
use crate::report::{self, Mode, Tree};
use crate::state::State;

/// What a run hands to its work.
#[derive(Debug)]
pub struct Context {
    /// The first step of the run. Work begins children of it, and leaves its end to the run.
    pub step: Step,
    /// Cancelled by the first Ctrl-C; looked at between steps. Work may cancel it itself.
    pub token: CancellationToken,
    /// Whether a person asked for the end.
    interrupted: AtomicBool,
}

impl Context {
    pub fn events(&self) -> &Events {
        self.step.events()
    }

    /// Drops work on the first Ctrl-C: for what leaves nothing that would have to be ended well.
    pub fn unless_interrupted<T>(
        &self,
        work: impl Future<Output = Result<T, Vec<Failure>>>,
    ) -> impl Future<Output = Result<T, Vec<Failure>>> {
        // On the heap: all that a command does is in it.
        let work = Box::pin(work);
        async {
            let ended = self.token.run_until_cancelled(work).await;
            ended.unwrap_or_else(|| Err(vec![Failure::interrupted()]))
        }
    }
}

/// What a run is called, and what it leaves.
#[derive(Debug)]
pub struct Run {
    /// The command: `up`.
    pub name: &'static str,
    /// The cluster.
    pub subject: String,
    /// The journal's file, if it is worth one.
    pub journal: Option<PathBuf>,
    /// Whether the end tells where the time went.
    pub summary: bool,
}

/// Runs work on a runtime of its own while a thread reports it.
///
/// The first Ctrl-C (or SIGTERM, or SIGHUP) cancels the token, the second drops the work with every child process.
/// An interrupted run that failed is `Interrupted`, whatever failed because of it.
pub fn run<T>(
    global: &Global,
    run: &Run,
    work: impl AsyncFnOnce(&Context) -> Result<T, Vec<Failure>>,
) -> Result<T, Vec<Failure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .map_err(|error| vec![Failure::other("cannot start the runtime").because(&error)])?;
    let (events, receiver) = Events::new();
    let settings = global.settings(run.journal.clone());
    let reporter = report::start(&settings, receiver);
    let secrets = events.secrets().clone();
    let context = Context {
        step: events.step_about(run.name, &run.subject),
        token: CancellationToken::new(),
        interrupted: AtomicBool::new(false),
    };
    let mut result = runtime.block_on(interruptible(&context, work));
    if context.interrupted.load(Ordering::Relaxed)
        && let Err(failures) = &mut result
    {
        *failures = interrupted(failures, run);
    }
    match &result {
        Ok(_) => {
            let changed = context.events().changed();
            context.step.finish(changed);
        }
        Err(failures) => match failures.iter().find(|failure| failure.kind != Kind::Interrupted) {
            Some(failure) => context.step.fail(failure),
            // Its drop says that it was interrupted.
            None => drop(context.step),
        },
    }
    // A blocking call that hangs must not keep the program.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let tree = reporter.finish();
    if run.summary && settings.mode != Mode::Json {
        say(&report::summary(&tree, settings.paint));
    }
    if let (Some(journal), Err(_)) = (&run.journal, &result)
        && journal.exists()
        && settings.mode != Mode::Json
    {
        say(&format!("the whole run: seedbed replay {}\n", journal.display()));
    }
    // What a machine answered may hold what was sent to it.
    let masked = |failure: Failure| failure.map_texts(|text| secrets.mask(text));
    result.map_err(|failures| failures.into_iter().map(masked).collect())
}

async fn interruptible<T>(
    context: &Context,
    work: impl AsyncFnOnce(&Context) -> Result<T, Vec<Failure>>,
) -> Result<T, Vec<Failure>> {
    let listen = |kind| signal(kind).map_err(|error| vec![Failure::other("cannot listen to signals").because(&error)]);
    // A closed terminal hangs up: its run ends as cleanly as an interrupted one.
    let mut signals = Vec::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        signals.push(listen(kind)?);
    }
    tokio::select! {
        result = work(context) => result,
        () = twice(context, &mut signals) => Err(vec![Failure::interrupted()]),
    }
}

/// Cancels the token at the first signal, and returns at the second.
async fn twice(context: &Context, signals: &mut [Signal]) {
    one(signals).await;
    context.interrupted.store(true, Ordering::Relaxed);
    context.token.cancel();
    context.step.warn("interrupted: ending what is under way; once more, and it is dropped");
    one(signals).await;
}

async fn one(signals: &mut [Signal]) {
    futures::future::select_all(signals.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
}

/// What an interrupted run says: that it was, how to go on, and what else had failed before.
fn interrupted(failures: &[Failure], run: &Run) -> Vec<Failure> {
    let hint = format!("`seedbed {}` continues where this stopped", run.name);
    let mut first = Failure::interrupted().hint(hint);
    first.causes =
        failures.iter().filter(|failure| failure.kind != Kind::Interrupted).map(ToString::to_string).collect();
    vec![first]
}

/// The file of a new journal: named by the time, so that the greatest name is the newest.
pub fn journal(state: &State) -> PathBuf {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S%.3fZ");
    state.journals().join(format!("{now}.jsonl"))
}

/// The last run of a cluster, from its journal; none where it cannot be read.
pub fn last(state: &State) -> Option<Tree> {
    let events = report::read_journal(&state.newest_journal()?).ok()?;
    let mut tree = Tree::default();
    for event in &events {
        tree.take(event);
    }
    Some(tree)
}

/// Waits for something short, without a reporter.
pub fn wait<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::other("cannot start the runtime").because(&error))?;
    Ok(runtime.block_on(work))
}
