//! Lengths of time with their units.

use std::time::Duration;

use engine::failure::Failure;
use schemars::JsonSchema;

use super::problems::Problems;
use super::read::{Read, wrong_type};
use super::tree::Node;

/// A length of time: `30s`, `2m`, `1h30m`.
#[derive(Clone, Copy, Debug, JsonSchema)]
#[schemars(with = "String", example = "2m", extend("pattern" = r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?$"))]
pub struct Period(pub Duration);

/// More than anyone waits for.
const MOST: u64 = 7 * 24 * 3600;

/// Reads `1h30m`: hours, minutes and seconds, in this order, each at most once. Also what Flux writes.
pub fn parse(text: &str) -> Option<Duration> {
    let (mut rest, mut seconds) = (text, 0_u64);
    for (unit, factor) in [('h', 3600), ('m', 60), ('s', 1)] {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits > 0 && rest[digits..].starts_with(unit) {
            seconds = seconds.checked_add(rest[..digits].parse::<u64>().ok()?.checked_mul(factor)?)?;
            rest = &rest[digits + 1..];
        }
    }
    (rest.is_empty() && !text.is_empty()).then(|| Duration::from_secs(seconds))
}

impl Read for Period {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let Some(text) = node.text() else {
            wrong_type(node, "a length of time like `2m`", problems);
            return None;
        };
        let failure = match parse(text) {
            Some(time) if (1..=MOST).contains(&time.as_secs()) => return Some(Self(time)),
            Some(_) => Failure::invalid(format!("`{text}` is not between 1s and {}h", MOST / 3600)),
            None if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) => {
                Failure::invalid(format!("`{text}` has no unit")).hint(format!("Write `{text}s` or `{text}m`."))
            }
            None => Failure::invalid(format!("`{text}` is no length of time")),
        };
        problems.at(node.span, failure.hint("Units: h, m, s, as in `30s`, `2m` or `1h30m`."));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let read = |text| parse(text).map(|time| time.as_secs());
        assert_eq!([read("30s"), read("2m"), read("1h30m"), read("1m0s")], [Some(30), Some(120), Some(5400), Some(60)]);
        assert_eq!(["", "30", "m", "1m1h", "1.5m", "2d", "10m0"].map(read), [None; 7]);
    }
}
