//! The files that will be seeded: of a Git repository its HEAD, of a directory what lies there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use engine::failure::{Failure, Result};

use crate::spec::cluster::{Dirty, Gitops};

/// Larger files are no manifests; they are listed without their text.
const LARGEST: u64 = 4 << 20;

/// Every file by its path in the repository, with its text if it is YAML.
#[derive(Debug)]
pub struct Files {
    source: PathBuf,
    texts: BTreeMap<String, Option<String>>,
    /// Whether these are the files of a commit.
    pub committed: bool,
}

impl Files {
    pub fn read(gitops: &Gitops) -> Result<Self> {
        let source = gitops.source.clone();
        let repository = Repository::at(&source);
        let committed = repository == Repository::Bare || repository == Repository::Root && gitops.dirty == Dirty::Warn;
        let texts = if committed { commit(&source, &gitops.branch)? } else { directory(&source)? };
        Ok(Self { source, texts, committed })
    }

    /// What people call it.
    pub fn origin(&self) -> String {
        let source = self.source.display();
        if self.committed { format!("the last commit of {source}") } else { source.to_string() }
    }

    /// A file's path as the user would type it.
    pub fn shown(&self, path: &str) -> String {
        self.source.join(path).display().to_string()
    }

    pub fn yaml(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    pub fn has_file(&self, path: &str) -> bool {
        self.texts.contains_key(path)
    }

    pub fn has_directory(&self, path: &str) -> bool {
        path == "." || self.texts.keys().any(|file| Path::new(file).starts_with(path) && file != path)
    }

    pub fn directories(&self) -> BTreeSet<String> {
        let parents = self.texts.keys().flat_map(|file| Path::new(file).ancestors().skip(1));
        parents.filter(|path| !path.as_os_str().is_empty()).map(|path| path.display().to_string()).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repository {
    /// A directory, perhaps within a repository.
    None,
    /// The root of a work tree.
    Root,
    Bare,
}

impl Repository {
    fn at(source: &Path) -> Self {
        if source.join(".git").exists() {
            Self::Root
        } else if ["HEAD", "objects", "refs"].iter().all(|name| source.join(name).exists()) {
            Self::Bare
        } else {
            Self::None
        }
    }
}

fn is_yaml(path: &Path) -> bool {
    matches!(path.extension().and_then(|ending| ending.to_str()), Some("yaml" | "yml"))
}

fn commit(source: &Path, branch: &str) -> Result<BTreeMap<String, Option<String>>> {
    let failed = |why: String| {
        Failure::invalid(format!("the branch `{branch}` of {} cannot be read", source.display()))
            .cause(why)
            .hint("`gitops.branch` names the branch to seed; it needs at least one commit.")
    };
    let mut git = Command::new("git");
    git.arg("-C").arg(source).args(["archive", "--format=tar", &format!("refs/heads/{branch}")]).stdin(Stdio::null());
    let output = git
        .output()
        .map_err(|error| Failure::invalid("cannot run git").cause(error).hint("Install it: `apt-get install git`."))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let mut texts = BTreeMap::new();
    let mut archive = tar::Archive::new(output.stdout.as_slice());
    for entry in archive.entries().map_err(|error| failed(error.to_string()))? {
        let mut entry = entry.map_err(|error| failed(error.to_string()))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(|error| failed(error.to_string()))?.into_owned();
        let mut text = String::new();
        let wanted = is_yaml(&path) && entry.size() <= LARGEST;
        let read = wanted && entry.read_to_string(&mut text).is_ok();
        texts.insert(path.display().to_string(), read.then_some(text));
    }
    Ok(texts)
}

fn directory(source: &Path) -> Result<BTreeMap<String, Option<String>>> {
    let mut texts = BTreeMap::new();
    let mut open = vec![source.to_owned()];
    while let Some(directory) = open.pop() {
        let unreadable = |error| Failure::invalid(format!("cannot read {}", directory.display())).cause(error);
        for entry in fs::read_dir(&directory).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() && !path.is_symlink() {
                if !path.ends_with(".git") && !path.ends_with(".seedbed") {
                    open.push(path);
                }
            } else if let Ok(name) = path.strip_prefix(source) {
                let small = fs::metadata(&path).is_ok_and(|found| found.len() <= LARGEST);
                let text = if is_yaml(&path) && small { fs::read_to_string(&path).ok() } else { None };
                texts.insert(name.display().to_string(), text);
            }
        }
    }
    Ok(texts)
}
