//! What an image is called in the registry: `REPOSITORY:TAG`.

use std::fmt;

use engine::failure::{Failure, Result};

/// A repository and a tag, without a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// As `team/sample`.
    pub repository: String,
    pub tag: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

impl Name {
    /// The name that the user gave, or else the archive's own, without the registry that it came from.
    ///
    /// The tag may be left out where the archive has one.
    pub fn choose(given: Option<&str>, own: Option<&str>) -> Result<Self> {
        let own = own.map(split);
        let (repository, tag) = match given {
            Some(given) => {
                let (repository, tag) = split(given);
                (repository, tag.or(own.and_then(|(_, tag)| tag)))
            }
            None => own.unwrap_or_default(),
        };
        let example = "Write it after the image: `seedbed image push IMAGE team/sample:1.0.0`.";
        if repository.is_empty() {
            return Err(Failure::invalid("the archive does not say what its image is called").hint(example));
        }
        let Some(tag) = tag else {
            return Err(Failure::invalid(format!("`{repository}` has no tag")).hint(example));
        };
        if !is_repository(repository) {
            let failure = Failure::invalid(format!("`{repository}` is no name of a repository"));
            let rule = "Lower-case letters and digits, with `.`, `_`, `-` and `/` between them.";
            return Err(failure.hint(rule).hint(example));
        }
        if !is_tag(tag) {
            let failure = Failure::invalid(format!("`{tag}` is no tag"));
            return Err(
                failure.hint("At most 128 letters, digits, `.`, `_` and `-`; the first is a letter or a digit.")
            );
        }
        Ok(Self { repository: repository.to_owned(), tag: tag.to_owned() })
    }
}

/// Takes a reference apart; its registry and its digest are left out.
fn split(reference: &str) -> (&str, Option<&str>) {
    let reference = reference.split_once('@').map_or(reference, |(name, _)| name);
    let local = match reference.split_once('/') {
        // As Docker tells a registry from the first part of a name.
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => rest,
        _ => reference,
    };
    let local = local.strip_prefix("library/").unwrap_or(local);
    match local.rsplit_once(':') {
        Some((repository, tag)) => (repository, Some(tag)),
        None => (local, None),
    }
}

/// The distribution specification's rule for names.
fn is_repository(name: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        let ends = part.starts_with(alphanumeric) && part.ends_with(alphanumeric);
        let mut runs = part.split(alphanumeric).filter(|run| !run.is_empty());
        ends && runs.all(|run| [".", "_", "__"].contains(&run) || run.bytes().all(|byte| byte == b'-'))
    };
    name.len() <= 255 && name.split('/').all(part)
}

/// The distribution specification's rule for tags.
fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= 128 && tag.starts_with(word) && tag.chars().all(|c| word(c) || c == '.' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(given: Option<&str>, own: Option<&str>) -> String {
        Name::choose(given, own).map_or_else(|failure| failure.to_string(), |name| name.to_string())
    }

    #[test]
    fn the_given_name_wins_and_registries_are_left_out() {
        let own = Some("ghcr.io/seedbed/sample:1.0.0");
        assert_eq!(chosen(None, own), "seedbed/sample:1.0.0");
        assert_eq!(chosen(Some("web:2"), own), "web:2");
        assert_eq!(chosen(Some("web"), own), "web:1.0.0", "the tag is the archive's");
        assert_eq!(chosen(Some("10.77.1.10:5000/team/web:2"), own), "team/web:2");
        assert_eq!(chosen(Some("localhost/web:2"), None), "web:2");
        assert_eq!(chosen(None, Some("docker.io/library/busybox:1.37")), "busybox:1.37");
        assert_eq!(chosen(None, Some("web:2@sha256:0123")), "web:2");
    }

    #[test]
    fn what_is_no_name_is_told() {
        assert_eq!(chosen(None, None), "the archive does not say what its image is called");
        assert_eq!(chosen(Some("web"), None), "`web` has no tag");
        assert_eq!(chosen(Some("Web:1"), None), "`Web` is no name of a repository");
        for wrong in ["a//b:1", "-a:1", "a..b:1", "a___b:1", "a/:1"] {
            assert!(chosen(Some(wrong), None).contains("no name"), "{wrong}");
        }
        assert_eq!(chosen(Some("web:.1"), None), "`.1` is no tag");
        assert_eq!(chosen(Some("a--b__c/d.e:v1.0_x-y"), None), "a--b__c/d.e:v1.0_x-y");
    }
}
