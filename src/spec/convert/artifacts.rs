//! The artifacts section.

use engine::failure::Failure;
use url::Url;

use super::Context;
use crate::spec::cluster::{ArtifactSource, Artifacts};
use crate::spec::problems::{MaybeHint as _, did_you_mean};
use crate::spec::raw;
use crate::spec::read::Placed;

pub fn convert(written: Option<&Placed<raw::Artifacts>>, context: &mut Context<'_, '_>) -> Artifacts {
    let empty = raw::Artifacts::default();
    let artifacts = written.map_or(&empty, |placed| &placed.value);
    let source = artifacts.source.as_ref().map_or(ArtifactSource::Auto, |word| word.value.into());
    let mirrors = artifacts.mirrors.as_ref().map_or(&[][..], |mirrors| &mirrors.0);
    if let Some(word) = artifacts.source.as_ref().filter(|_| source == ArtifactSource::Mirror && mirrors.is_empty()) {
        let failure = Failure::invalid("`source: mirror` without `mirrors`");
        context.invalid(word.span, failure.hint("Add `mirrors: {https://dl.k8s.io: http://mirror.example.org/k8s}`."));
    }
    for (_, mirror) in mirrors {
        let scheme = Url::parse(mirror).ok().map(|url| url.scheme().to_owned());
        if !matches!(scheme.as_deref(), Some("http" | "https")) {
            let failure = Failure::invalid(format!("`{}` is no http or https URL", mirror.value));
            context.invalid(mirror.span, failure);
        }
    }
    let mut overrides = std::collections::BTreeMap::new();
    for (name, file) in artifacts.overrides.iter().flat_map(|overrides| &overrides.0) {
        let known = &context.known.artifacts;
        if !known.is_empty() && !known.contains(&name.value) {
            let failure = Failure::invalid(format!("there is no artifact `{}`", name.value));
            let near = did_you_mean(name, known.iter().map(String::as_str)).filter(|hint| hint.starts_with("Did"));
            let failure = failure.maybe_hint(near).hint("`seedbed artifacts list` shows all names.");
            context.invalid(name.span, failure);
        }
        overrides.insert(name.value.clone(), context.path(file, "the artifact", false));
    }
    let mirrors = mirrors.iter().map(|(from, to)| (from.value.clone(), to.value.clone())).collect();
    Artifacts { source, mirrors, overrides }
}
