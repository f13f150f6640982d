//! What went wrong, where, why, and what to do next.

use std::fmt;

use crate::place::Place;

/// What sort of failure it is; the edge of the program turns it into an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The command line is wrong.
    Usage,
    /// The spec, a playbook, a template or the repository is wrong.
    Invalid,
    /// Preflight refused: the workstation or someone else's object is in the way.
    Refused,
    /// A step on a machine failed.
    Step,
    /// The repository did not become Ready.
    NotReady,
    /// The user interrupted.
    Interrupted,
    /// Anything else.
    Other,
}

/// One failure: a sentence, its place, its causes and hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    /// What happened, one sentence without a final period.
    pub what: String,
    pub place: Option<Place>,
    /// The causes, outermost first; the last is the deepest.
    pub causes: Vec<String>,
    /// Raw evidence, verbatim: a snippet, stderr, the tail of a log.
    pub evidence: Option<String>,
    /// What to do next, one sentence each.
    pub hints: Vec<String>,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), place: None, causes: Vec::new(), evidence: None, hints: Vec::new() }
    }

    /// Something the user wrote is wrong.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, what)
    }

    /// Preflight refuses.
    pub fn refused(what: impl Into<String>) -> Self {
        Self::new(Kind::Refused, what)
    }

    /// A step on a machine failed.
    pub fn step(what: impl Into<String>) -> Self {
        Self::new(Kind::Step, what)
    }

    /// The repository did not become Ready.
    pub fn not_ready(what: impl Into<String>) -> Self {
        Self::new(Kind::NotReady, what)
    }

    /// The user interrupted.
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "interrupted")
    }

    /// Anything else.
    pub fn other(what: impl Into<String>) -> Self {
        Self::new(Kind::Other, what)
    }

    /// Every text in it, altered: so that secrets are masked before anyone reads it.
    #[must_use]
    pub fn map_texts(mut self, alter: impl Fn(String) -> String) -> Self {
        self.what = alter(self.what);
        self.evidence = self.evidence.map(&alter);
        self.causes = self.causes.into_iter().map(&alter).collect();
        self.hints = self.hints.into_iter().map(&alter).collect();
        self
    }

    #[must_use]
    pub fn place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Adds a cause below the ones there are.
    #[must_use]
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Adds an error and its sources as causes.
    #[must_use]
    pub fn because(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            // Many error types repeat their source in their own text.
            if !self.causes.last().is_some_and(|last| last.contains(&text)) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.evidence = Some(evidence.into());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    /// Writes one line: place, what and causes. The reporter lays out the whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}", self.what)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// Something that may fail with one failure.
pub type Result<T, E = Failure> = std::result::Result<T, E>;
