//! Values with a notation of their own.

use std::net::Ipv4Addr;

use engine::failure::Failure;
use ipnet::Ipv4Net;
use schemars::JsonSchema;

use super::problems::Problems;
use super::read::{Read, wrong_type};
use super::tree::{Meaning, Node, Value};

/// A DNS label (RFC 1123): lower-case letters, digits and hyphens, at most 63.
#[derive(Clone, Debug, JsonSchema)]
pub struct Label(#[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))] pub String);

impl Read for Label {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let text = String::read(node, problems)?;
        if is_label(&text) {
            return Some(Self(text));
        }
        let mut failure = Failure::invalid(format!("`{text}` is no DNS label"))
            .hint("Use at most 63 lower-case letters, digits and hyphens, with a letter or digit at both ends.");
        let mended = mend_label(&text);
        if is_label(&mended) {
            failure = failure.hint(format!("For example `{mended}`."));
        }
        problems.at(node.span, failure);
        None
    }
}

pub fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len()) && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn mend_label(text: &str) -> String {
    let hyphenated = text.to_lowercase().replace(['_', '.', ' '], "-");
    hyphenated.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>().trim_matches('-').into()
}

/// Bytes with their unit, binary (KiB, MiB, GiB, TiB) or decimal (kB, MB, GB, TB).
#[derive(Clone, Copy, Debug, JsonSchema)]
#[schemars(example = "4GiB", with = "String", extend("pattern" = r"^[0-9]+(\.[0-9]+)? ?([KMGT]iB|[kMGT]B)$"))]
pub struct Size(pub u64);

const UNITS: [(&str, u64); 8] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

impl Size {
    /// Reads `1.5GiB`; the error says what is wrong and how to write it.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let (number, unit) = split_unit(text);
        let not_a_size = || Failure::invalid(format!("`{text}` is no size")).hint("Write for example `4GiB`.");
        let Some(thousandths) = thousandths(number) else { return Err(not_a_size()) };
        if let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) {
            let bytes = u128::from(thousandths) * u128::from(*factor) / 1000;
            return u64::try_from(bytes).map(Self).map_err(|_| not_a_size());
        }
        let prefix = unit.chars().next().map(|c| c.to_ascii_uppercase());
        let hint = match prefix.filter(|c| "KMGT".contains(*c)) {
            Some(prefix) => format!("Write `{number}{prefix}iB` for the binary unit."),
            None => format!("Write for example `{number}GiB`."),
        };
        let what = match unit {
            "" => format!("`{text}` has no unit"),
            _ => format!("`{unit}` is no unit of a size"),
        };
        Err(Failure::invalid(what).hint(format!("{hint} Units: KiB, MiB, GiB, TiB, kB, MB, GB, TB.")))
    }
}

fn split_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

/// `1.5` as 1500; at most three decimals.
fn thousandths(number: &str) -> Option<u64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if part.is_empty() || part.len() > 3 {
        return None;
    }
    let part: u64 = format!("{part:0<3}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(part)
}

impl Read for Size {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let Some(text) = node.text() else {
            wrong_type(node, "a size like `4GiB`", problems);
            return None;
        };
        Self::parse(text).map_err(|failure| problems.at(node.span, failure)).ok()
    }
}

/// Bytes for people: `4GiB`, `1.5GiB`, `512MiB`.
pub fn human(bytes: u64) -> String {
    let units = [("TiB", 1_u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let Some((name, factor)) = units.into_iter().find(|(_, factor)| bytes >= *factor) else {
        return format!("{bytes} bytes");
    };
    let tenths = bytes.saturating_mul(10) / factor;
    if tenths.is_multiple_of(10) {
        format!("{}{name}", tenths / 10)
    } else {
        format!("{}.{}{name}", tenths / 10, tenths % 10)
    }
}

/// An IPv4 range in CIDR notation.
#[derive(Clone, Copy, Debug, JsonSchema)]
#[schemars(with = "String", extend("pattern" = r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$"))]
pub struct Range(pub Ipv4Net);

impl Read for Range {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let Some(text) = node.text() else {
            wrong_type(node, "a range like 10.20.30.0/24", problems);
            return None;
        };
        let failure = match text.parse::<Ipv4Net>() {
            Ok(range) if range.addr() == range.network() => return Some(Self(range)),
            Ok(range) => Failure::invalid(format!("`{text}` is an address within a range, not a range"))
                .hint(format!("The range is `{}`.", range.trunc())),
            Err(_) if text.contains(':') => {
                Failure::invalid(format!("`{text}` is no IPv4 range")).hint("IPv6 is not supported yet.")
            }
            Err(_) => Failure::invalid(format!("`{text}` is no IPv4 range")).hint("Write for example `10.20.30.0/24`."),
        };
        problems.at(node.span, failure);
        None
    }
}

/// An IPv4 address.
#[derive(Clone, Copy, Debug, JsonSchema)]
#[schemars(with = "String", extend("format" = "ipv4"))]
pub struct Address(pub Ipv4Addr);

impl Read for Address {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let text = String::read(node, problems)?;
        let parsed = text.parse().map(Self);
        if parsed.is_err() {
            let failure = Failure::invalid(format!("`{text}` is no IPv4 address"))
                .hint("Write an address, not a name: certificates and /etc/hosts need it before anything is asked.");
            problems.at(node.span, failure);
        }
        parsed.ok()
    }
}

/// A Kubernetes version.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(with = "String", extend("pattern" = r"^[0-9]+\.[0-9]+\.[0-9]+$"))]
pub struct Version(pub String);

impl Read for Version {
    fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Scalar { text, .. } = &node.value else {
            wrong_type(node, "a version like \"1.36.3\"", problems);
            return None;
        };
        let failure = match node.meaning() {
            Meaning::Float(value) => Failure::invalid(format!("`{text}` is the number {value} in YAML, not a version"))
                .hint(format!("Write all three parts as a quoted text: \"{text}.0\".")),
            Meaning::Text if is_version(text) => return Some(Self(text.clone())),
            Meaning::Text if text.strip_prefix('v').is_some_and(is_version) => {
                Failure::invalid(format!("`{text}` begins with a v")).hint(format!("Write \"{}\".", &text[1..]))
            }
            _ => Failure::invalid(format!("`{text}` is no version")).hint("Write all three parts, as in \"1.36.3\"."),
        };
        problems.at(node.span, failure);
        None
    }
}

fn is_version(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.len() < 6 && part.chars().all(|c| c.is_ascii_digit());
    text.split('.').count() == 3 && text.split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(Size::parse("4GiB").unwrap().0, 4 << 30);
        assert_eq!(Size::parse("1.5 GiB").unwrap().0, 3 << 29);
        assert_eq!(Size::parse("2GB").unwrap().0, 2_000_000_000);
        for (wrong, hint) in [("4G", "`4GiB`"), ("512Mi", "`512MiB`"), ("4096", "`4096GiB`"), ("4gb", "`4GiB`")] {
            let failure = Size::parse(wrong).unwrap_err();
            assert!(failure.hints[0].contains(hint), "{wrong}: {failure:?}");
        }
        assert!(Size::parse("lots").is_err());
        assert!(Size::parse("99999999999999TiB").is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_human_writes_size_reads(bytes in 1024_u64..1 << 50) {
            let read = Size::parse(&human(bytes)).unwrap().0;
            proptest::prop_assert!(read <= bytes && bytes - read <= bytes / 5);
        }
    }
}
