//! The files that are part of the program, and the user's files that stand in for them.
//!
//! A file of the same relative name beside the spec wins: `templates/kubelet.yaml.j2` beside
//! `seedbed.yaml` replaces the embedded one. Nothing else reads either.

mod difference;
mod strays;

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use engine::failure::{Failure, Result};

use crate::spec::nearest;

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The folders whose files can be overridden.
pub const FOLDERS: [&str; 3] = ["playbooks", "templates", "vm-images"];

/// A file and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    pub bytes: Cow<'static, [u8]>,
    pub origin: Origin,
}

/// Where an asset came from; prints as errors cite it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Part of the program: `embedded:playbooks/node.yaml`.
    Embedded(&'static str),
    /// The user's own.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(name) => write!(f, "embedded:{name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Asset {
    /// Its text; an error cites where it came from.
    pub fn text(&self) -> Result<&str> {
        str::from_utf8(&self.bytes)
            .map_err(|error| Failure::invalid(format!("{}: not UTF-8", self.origin)).cause(error))
    }
}

/// The assets of one spec, or of none.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    /// Where overriding folders are looked for.
    directory: Option<PathBuf>,
}

/// One line of `assets list`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    pub name: &'static str,
    /// Bytes of the embedded file.
    pub size: usize,
    /// The user's file in its place.
    pub overridden: Option<PathBuf>,
}

impl Assets {
    /// Only what is part of the program.
    pub fn embedded() -> Self {
        Self::default()
    }

    /// With the files in `playbooks/`, `templates/` and `vm-images/` of a directory in front.
    pub fn beside(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()) }
    }

    /// Reads a file by its relative name, such as `playbooks/node.yaml`.
    pub fn read(&self, name: &str) -> Result<Asset> {
        if let Some(path) = self.own(name) {
            match fs::read(&path) {
                Ok(bytes) => return Ok(Asset { bytes: bytes.into(), origin: Origin::File(path) }),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {}
                Err(error) => {
                    return Err(Failure::invalid(format!("cannot read {}", path.display())).cause(error));
                }
            }
        }
        if let Some((name, bytes)) = embedded(name) {
            return Ok(Asset { bytes: bytes.into(), origin: Origin::Embedded(name) });
        }
        let failure = Failure::invalid(format!("there is no file `{name}`, neither embedded nor beside the spec"));
        Err(match nearest(name, names()) {
            Some(near) => failure.hint(format!("Did you mean `{near}`?")),
            None => failure.hint("`seedbed assets list` shows the embedded files."),
        })
    }

    /// The path that an override of this name has, where there may be one.
    fn own(&self, name: &str) -> Option<PathBuf> {
        let plain = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let in_folder = FOLDERS.iter().any(|folder| Path::new(name).starts_with(folder));
        self.directory.as_ref().filter(|_| plain && in_folder).map(|directory| directory.join(name))
    }

    /// Every embedded file, and what stands in for it.
    pub fn list(&self) -> Vec<Listed> {
        let line = |(name, bytes): &(&'static str, &'static [u8])| Listed {
            name,
            size: bytes.len(),
            overridden: self.own(name).filter(|path| path.is_file()),
        };
        EMBEDDED.iter().map(line).collect()
    }

    /// The user's files that stand in for embedded ones and differ from them.
    pub fn overrides(&self) -> Vec<(&'static str, PathBuf)> {
        let listed = self.list().into_iter();
        let overridden = listed.filter_map(|listed| Some((listed.name, listed.overridden?)));
        let differs = |(name, path): &(&'static str, PathBuf)| {
            fs::read(path).ok().as_deref() != embedded(name).map(|(_, bytes)| bytes)
        };
        overridden.filter(differs).collect()
    }

    /// The names in a folder, embedded and the user's own, sorted.
    pub fn names_in(&self, folder: &str) -> Vec<String> {
        let prefix = format!("{folder}/");
        let mut found: Vec<String> = names().filter(|name| name.starts_with(&prefix)).map(str::to_owned).collect();
        let own =
            self.directory.iter().flat_map(|directory| fs::read_dir(directory.join(folder)).into_iter().flatten());
        for entry in own.flatten().filter(|entry| entry.path().is_file()) {
            found.push(format!("{prefix}{}", entry.file_name().to_string_lossy()));
        }
        found.sort();
        found.dedup();
        found
    }

    /// Copies embedded files to where they override; none that is there is replaced. Answers the paths made.
    pub fn copy(&self, wanted: &[String]) -> Result<Vec<PathBuf>, Vec<Failure>> {
        let directory = self.directory.clone().unwrap_or_default();
        let mut failures = Vec::new();
        let mut made = Vec::new();
        for name in wanted {
            match copy_one(&directory, name) {
                Ok(path) => made.push(path),
                Err(failure) => failures.push(failure),
            }
        }
        if failures.is_empty() { Ok(made) } else { Err(failures) }
    }
}

fn copy_one(directory: &Path, name: &str) -> Result<PathBuf> {
    use std::io::Write as _;
    let asset = Assets::embedded().read(name)?;
    let path = directory.join(name);
    let failed = |error: std::io::Error| {
        let failure = Failure::other(format!("cannot write {}", path.display())).cause(&error);
        match error.kind() {
            ErrorKind::AlreadyExists => failure.hint(format!("`seedbed assets diff {name}` shows how it differs.")),
            _ => failure,
        }
    };
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    let mut file = fs::File::create_new(&path).map_err(failed)?;
    file.write_all(&asset.bytes).map_err(failed)?;
    Ok(path)
}

fn embedded(name: &str) -> Option<(&'static str, &'static [u8])> {
    EMBEDDED.iter().copied().find(|(embedded, _)| *embedded == name)
}

fn names() -> impl Iterator<Item = &'static str> {
    EMBEDDED.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests;
