//! The evaluate section.

use std::path::{Component, Path};

use engine::failure::Failure;

use super::Context;
use crate::spec::evaluate::{Evaluate, Limits, Rollout};
use crate::spec::period::Period;
use crate::spec::raw;
use crate::spec::read::Placed;

pub fn convert(written: Option<&Placed<raw::Evaluate>>, gitops: bool, context: &mut Context<'_, '_>) -> Evaluate {
    let Some(written) = written else { return Evaluate::default() };
    if let Some(rollout) = written.rollout.as_ref().filter(|_| !gitops) {
        let failure = Failure::invalid("there is no repository to roll anything out from");
        context.invalid(rollout.span, failure.hint("Add `gitops: {source: DIRECTORY}`, or remove `rollout`."));
    }
    Evaluate {
        rollout: written.rollout.as_ref().and_then(|rollout| self::rollout(rollout, context)),
        limits: written.limits.as_ref().map_or_else(Limits::default, |limits| self::limits(limits)),
    }
}

fn rollout(written: &Placed<raw::Rollout>, context: &mut Context<'_, '_>) -> Option<Rollout> {
    for key in ["file", "key", "to"] {
        context.required(&written.given, key, written.span, "`rollout`");
    }
    if let Some(file) = &written.file {
        let inside = Path::new(&file.value).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || file.is_empty() {
            let failure = Failure::invalid(format!("`{}` is no file within the repository", file.value));
            context.invalid(file.span, failure.hint("Write it from the repository's root: apps/sample/release.yaml."));
        }
    }
    if let Some(key) = written.key.as_ref().filter(|key| key.split('.').any(str::is_empty)) {
        let failure = Failure::invalid(format!("`{}` is no way to a value", key.value));
        context.invalid(key.span, failure.hint("Write keys with dots between them: spec.values.image.tag."));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+/:@".contains(c);
    if let Some(to) = written.to.as_ref().filter(|to| to.is_empty() || !to.chars().all(plain)) {
        let failure = Failure::invalid(format!("`{}` is no version", to.value));
        context.invalid(to.span, failure.hint("Write a tag or a digest, as in \"1.1.0\"."));
    }
    Some(Rollout {
        file: written.file.as_ref()?.value.clone(),
        key: written.key.as_ref()?.split('.').map(str::to_owned).collect(),
        to: written.to.as_ref()?.value.clone(),
    })
}

fn limits(written: &raw::Limits) -> Limits {
    let time = |period: Option<&Placed<Period>>| period.map(|period| period.0);
    Limits {
        up: time(written.up.as_ref()),
        rollout: time(written.rollout.as_ref()),
        drift: time(written.drift.as_ref()),
        steps: written.steps.as_ref().map(|steps| steps.value),
    }
}
