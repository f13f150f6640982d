//! Whether a repository with a missing CRD stops where it should, and names it: tried with two tiers of our own.
//!
//! They lie beside the user's branch, under a tag, and are gone again afterwards.

mod objects;
mod sight;

use std::time::{Duration, Instant};

use engine::event::Step;
use engine::failure::{Failure, Kind, Result};
use engine::wait::{Patience, Seen, until};
use kube::Client;
use kube::api::{DeleteParams, DynamicObject};
use tokio_util::sync::CancellationToken;

use super::drift;
use super::result::{Case, Part, Stretch};
use crate::flux::{self, Key, NAMESPACE, Nudges, read_tiers};
use crate::githost::{Aside, Remote};
use crate::kube::{Applier, Identified, failed, transient};
use crate::plan::Pace;
use sight::{Look, Sight};

const NAMED: &str = "a missing CRD is named";
const STOPPED: &str = "nothing after a missing CRD is made";

/// What the two tiers are tried on.
pub struct Ground<'a> {
    pub client: &'a Client,
    pub remote: &'a Remote,
    /// Whether the Git host is the cluster's: that must take what is pushed.
    pub own: bool,
    pub pace: Pace,
}

/// Tries it, and takes everything away again, also where it was interrupted.
pub async fn missing(ground: &Ground<'_>, step: &Step, token: &CancellationToken) -> Vec<Case> {
    let step = step.child_of("try", "a missing CRD", &[]);
    let result = on(ground, &step, token).await;
    step.conclude_as(result, |_| false).unwrap_or_else(|failure| cases(Err(failure), Ok(()), ground.own))
}

async fn on(ground: &Ground<'_>, step: &Step, token: &CancellationToken) -> Result<Vec<Case>> {
    let root = Key::new("GitRepository", NAMESPACE, flux::NAME);
    let tiers = read_tiers(ground.client).await?;
    let main = tiers.flux().find(|object| object.key() == root).ok_or_else(|| {
        Failure::refused(format!("{root} is not in the cluster"))
            .hint("`seedbed up` installs Flux and points it at the repository.")
    })?;
    let message = "seedbed evaluate: a tier of a kind that nothing defines, and one that depends on it";
    let aside = Aside::make(ground.remote, objects::NAME, &objects::FILES, message).await?;
    let objects = objects::flux(main, aside.tag(), ground.pace)?;
    let pace = drift::Patience::of(ground.pace);
    let probe = Probe { ground, step, aside, objects, never: objects::never()?, pace };
    let seen = token.run_until_cancelled(probe.run()).await;
    let cleared = probe.clear().await;
    Ok(cases(seen.unwrap_or_else(|| Err(Failure::interrupted())), cleared, ground.own))
}

/// What was found.
enum Found {
    /// The tag could not be pushed.
    Unwritable(Failure),
    Tried {
        named: Result<Named>,
        /// Why nothing of the second tier was made.
        stopped: Result<String>,
    },
}

/// The cause as it was named, and how long that took since the commit was fetched.
struct Named {
    text: String,
    /// Until Flux said that it failed.
    failed: Duration,
    /// Until it was certain.
    told: Duration,
}

struct Probe<'a> {
    ground: &'a Ground<'a>,
    step: &'a Step,
    aside: Aside<'a>,
    objects: [DynamicObject; 3],
    never: DynamicObject,
    pace: drift::Patience,
}

impl Probe<'_> {
    async fn run(&self) -> Result<Found> {
        // What is left of a run that was killed has a history of its own.
        self.clear_objects().await?;
        if let Err(failure) = self.aside.push().await {
            return Ok(Found::Unwritable(failure));
        }
        Applier::new(self.ground.client.clone(), self.step, self.patience(0)).apply(&self.objects).await?;
        Ok(Found::Tried { named: self.named().await, stopped: self.stopped().await })
    }

    /// Waits until the cause is named, as `up` would.
    async fn named(&self) -> Result<Named> {
        let client = self.ground.client;
        let (start, mut sight, mut nudges) = (Instant::now(), Sight::default(), Nudges::default());
        let finding = until(self.step, "the missing kind is named", self.patience(120), Kind::NotReady, async || {
            // The API server of a small machine is busy now and then.
            let snapshot = match read_tiers(client).await {
                Ok(snapshot) => snapshot,
                Err(failure) => return Ok(Seen::NotYet(failure.to_string())),
            };
            let missing = match sight.look(&snapshot, start.elapsed()) {
                Look::Named(finding) => return Ok(Seen::Ready(finding)),
                Look::Ready => return Err(Failure::not_ready("both tiers are Ready, though a kind is missing")),
                Look::NotYet(missing) => missing,
            };
            for object in sight.to_retry(&snapshot) {
                nudges.nudge(client, object).await?;
            }
            Ok(Seen::NotYet(missing))
        })
        .await?;
        let told = start.elapsed();
        let failure = flux::explain(client, "the tier does not become Ready", &finding).await;
        let (Some(fetched), true) = (sight.fetched, sight::is_the_kind(&finding)) else {
            return Err(Failure::not_ready("another cause was named").cause(failure));
        };
        let failed = sight.failed.unwrap_or(told);
        let since = |time: Duration| time.saturating_sub(fetched);
        Ok(Named { text: failure.causes.join(": "), failed: since(failed), told: since(told) })
    }

    /// Makes sure that the second tier waits, and that nothing of it was made.
    async fn stopped(&self) -> Result<String> {
        let client = self.ground.client;
        let says = until(self.step, "the second tier waits", self.patience(0), Kind::NotReady, async || {
            Ok(match read_tiers(client).await.map(|snapshot| sight::waits(&snapshot)) {
                Ok(Ok(says)) => Seen::Ready(says),
                Ok(Err(other)) => Seen::NotYet(other),
                Err(failure) => Seen::NotYet(failure.to_string()),
            })
        })
        .await?;
        let name = Identified::of(&self.never);
        let mut applier = Applier::new(client.clone(), self.step, self.patience(0));
        let api = applier.api_of(&self.never).await?;
        let there = api.get_opt(&name.name).await.map_err(|error| failed(format!("{name} cannot be read"), &error))?;
        match there {
            Some(_) => Err(Failure::not_ready(format!("{name} was made, though its tier says {says}"))),
            None => Ok(format!("{name} was not made; its tier says {says}")),
        }
    }

    /// Takes everything away; what cannot be is told together.
    async fn clear(&self) -> Result<()> {
        let (objects, tag) = (self.clear_objects().await, self.aside.remove().await);
        let told = match (objects, tag) {
            (Err(objects), Err(tag)) => Err(objects.cause(tag)),
            (objects, tag) => objects.and(tag),
        };
        told.inspect_err(|failure| self.step.warn(format!("something of `seedbed evaluate` stays: {failure}")))
    }

    /// Deletes the objects, those that apply others first, and waits until each is gone.
    async fn clear_objects(&self) -> Result<()> {
        let mut applier = Applier::new(self.ground.client.clone(), self.step, self.patience(0));
        // A source that goes first would leave its tiers without a revision to remove.
        for object in self.objects.iter().rev().chain([&self.never]) {
            let (api, named) = (applier.api_of(object).await?, Identified::of(object));
            let what = format!("{named} is gone");
            until(self.step, &what, self.patience(0), Kind::Step, async || {
                match api.delete(&named.name, &DeleteParams::default()).await {
                    Ok(_) => Ok(Seen::NotYet("its controller takes away what it applied".into())),
                    Err(kube::Error::Api(status)) if status.code == 404 => Ok(Seen::Ready(())),
                    Err(error) if transient(&error) => Ok(Seen::NotYet(failed("", &error).causes.concat())),
                    Err(error) => Err(failed(format!("{named} cannot be deleted"), &error)),
                }
            })
            .await
            .map_err(|failure| {
                let kind = named.kind.to_lowercase();
                failure.hint(format!("kubectl -n {NAMESPACE} delete {kind} {}; then evaluate again.", named.name))
            })?;
        }
        Ok(())
    }

    /// What a wait may take, with some seconds on top.
    fn patience(&self, seconds: u64) -> Patience {
        Patience::for_seconds(seconds + self.pace.more.as_secs()).every(self.pace.pause, self.pace.pause)
    }
}

fn cases(found: Result<Found>, cleared: Result<()>, own: bool) -> Vec<Case> {
    let [named, stopped] = match found {
        Ok(Found::Tried { named, stopped }) => [
            named.map_or_else(|failure| Case::failed(Part::Order, NAMED, failure.to_string()), named_case),
            match stopped {
                Ok(detail) => Case::passed(Part::Order, STOPPED, detail),
                Err(failure) => Case::failed(Part::Order, STOPPED, failure.to_string()),
            },
        ],
        // Somebody else's repository may be closed to us.
        Ok(Found::Unwritable(failure)) if !own => {
            let why = format!("nothing can be tried in a repository that is not to be written: {failure}");
            [NAMED, STOPPED].map(|name| Case::skipped(Part::Order, name, &why))
        }
        Ok(Found::Unwritable(failure)) | Err(failure) => {
            [NAMED, STOPPED].map(|name| Case::failed(Part::Order, name, failure.to_string()))
        }
    };
    match cleared {
        Ok(()) => vec![named, stopped],
        Err(failure) => {
            let detail = format!("{}; something of it stays: {failure}", stopped.detail);
            vec![named, Case::failed(Part::Order, STOPPED, detail)]
        }
    }
}

fn named_case(named: Named) -> Case {
    let stretch = |name: &str, time: Duration| Stretch { name: name.into(), seconds: time.as_secs_f64() };
    let stretches =
        vec![stretch("tried by Flux", named.failed), stretch("certain", named.told.saturating_sub(named.failed))];
    Case { stretches, ..Case::passed(Part::Order, NAMED, named.text).measured(named.told.as_secs_f64()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::result::Outcome;

    fn told(found: Result<Found>, cleared: Result<()>, own: bool) -> Vec<(Outcome, String)> {
        let cases = cases(found, cleared, own);
        assert_eq!(cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), [NAMED, STOPPED]);
        cases.into_iter().map(|case| (case.outcome, case.detail)).collect()
    }

    fn tried() -> Found {
        let (failed, told) = (Duration::from_secs(1), Duration::from_secs(46));
        Found::Tried { named: Ok(Named { text: "no kind".into(), failed, told }), stopped: Ok("waits".into()) }
    }

    #[test]
    fn what_was_found_becomes_two_cases() {
        let both = [(Outcome::Passed, "no kind".to_owned()), (Outcome::Passed, "waits".to_owned())];
        assert_eq!(told(Ok(tried()), Ok(()), true), both);
        let case = cases(Ok(tried()), Ok(()), true).remove(0);
        let sum: f64 = case.stretches.iter().map(|stretch| stretch.seconds).sum();
        assert_eq!((case.value, sum), (Some(46.0), 46.0));
        let failed = |failure: &str| (Outcome::Failed, failure.to_owned());
        let late = Found::Tried { named: Err(Failure::not_ready("late")), stopped: Err(Failure::not_ready("made")) };
        assert_eq!(told(Ok(late), Ok(()), true), [failed("late"), failed("made")]);
        assert_eq!(told(Err(Failure::other("no API")), Ok(()), true), [failed("no API"), failed("no API")]);
    }

    #[test]
    fn a_foreign_repository_may_refuse_and_nothing_may_stay() {
        let unwritable = || Ok(Found::Unwritable(Failure::other("refused")));
        assert!(told(unwritable(), Ok(()), false).iter().all(|(outcome, _)| *outcome == Outcome::Skipped));
        assert!(told(unwritable(), Ok(()), true).iter().all(|(outcome, _)| *outcome == Outcome::Failed));
        let cases = told(Ok(tried()), Err(Failure::other("stuck")), true);
        assert_eq!(
            (cases[0].0, &cases[1]),
            (Outcome::Passed, &(Outcome::Failed, "waits; something of it stays: stuck".into()))
        );
    }
}
