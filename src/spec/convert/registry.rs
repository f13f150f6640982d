//! The registry section.

use engine::failure::Failure;

use super::{Context, span};
use crate::spec::cluster::{Provider, Registry};
use crate::spec::raw;
use crate::spec::read::Placed;
use crate::spec::value::human;

const GIB: u64 = 1 << 30;
/// The least volume: one image of ordinary size, and room to replace it.
const LEAST: u64 = GIB;
const USUAL: u64 = 20 * GIB;

pub fn convert(
    written: Option<&Placed<raw::Registry>>,
    provider: &Provider,
    context: &mut Context<'_, '_>,
) -> Option<Registry> {
    let written = written?;
    let mut size = None;
    if let raw::Registry::Sized(sized) = &written.value {
        context.required(&sized.given, "embedded", written.span, "`registry`");
        size = sized.embedded.as_ref().and_then(|data| data.size.as_ref());
    }
    if *provider == Provider::Existing {
        context.meaningless(&[("size", span(size))], "machines that exist keep the images in a directory");
        return Some(Registry { size: None });
    }
    if let Some(size) = size.filter(|size| size.0 < LEAST) {
        let what = format!("{} is too little for a registry: it needs {}", human(size.0), human(LEAST));
        context.invalid(size.span, Failure::invalid(what).hint("A volume takes only the room that is used."));
    }
    Some(Registry { size: Some(size.map_or(USUAL, |size| size.0)) })
}
