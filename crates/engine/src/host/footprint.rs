//! What a query reads and a change alters, so that what was read ahead is forgotten when it may have changed.

use super::{Change, Query};

/// A part of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Footprint {
    /// A file, or a directory with all in it.
    Path(String),
    Everything,
}

impl Footprint {
    /// Whether two parts touch: the same path, or one within the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Path(one), Self::Path(other)) => within(one, other) || within(other, one),
            _ => true,
        }
    }
}

fn within(path: &str, directory: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Query {
    pub fn reads(&self) -> Footprint {
        match self {
            Self::Stat(path) | Self::Read(path) => Footprint::Path(path.clone()),
            Self::Run(_) => Footprint::Everything,
        }
    }
}

impl Change {
    pub fn alters(&self) -> Footprint {
        match self {
            Self::Write { path, .. }
            | Self::Send { path, .. }
            | Self::Directory { path, .. }
            | Self::Attributes { path, .. }
            | Self::Remove { path } => Footprint::Path(path.clone()),
            // A link gives other paths another meaning.
            Self::Link { .. } | Self::Run(_) => Footprint::Everything,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> Footprint {
        Footprint::Path(path.into())
    }

    #[test]
    fn a_directory_and_its_content_overlap_and_neighbours_do_not() {
        assert!(path("/etc/a").overlaps(&path("/etc")));
        assert!(path("/etc/").overlaps(&path("/etc/a")));
        assert!(path("/").overlaps(&path("/etc")));
        assert!(!path("/etc/a").overlaps(&path("/etc/ab")));
        assert!(path("/etc/a").overlaps(&Footprint::Everything));
    }
}
