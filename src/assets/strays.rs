//! Files in the overriding folders that override nothing: most are misspelt.

use std::fs;
use std::path::{Path, PathBuf};

use engine::failure::Failure;
use engine::place::Place;

use super::{Assets, FOLDERS, embedded, names};
use crate::spec::nearest;

/// Larger files are no playbooks or templates, and are not searched for names.
const LARGEST: u64 = 1 << 20;

impl Assets {
    /// Files that have no embedded file's name and that nothing names.
    ///
    /// A file is named if a spec beside the folders, another file in them, or one of `referring` holds its file name
    /// or stem.
    pub fn strays(&self, referring: &[PathBuf]) -> Vec<Failure> {
        let Some(directory) = &self.directory else { return Vec::new() };
        let files = in_folders(directory);
        if files.is_empty() {
            return Vec::new();
        }
        let specs = specs(directory);
        let naming = files.iter().chain(&specs).chain(referring);
        let texts: Vec<(&Path, String)> = naming.filter_map(|path| Some((path.as_path(), text(path)?))).collect();
        let relative = |path: &Path| path.strip_prefix(directory).map(|name| name.display().to_string()).ok();
        let strays = files.iter().filter_map(|path| {
            let name = relative(path)?;
            (embedded(&name).is_none() && !is_named(path, &texts)).then(|| stray(path, &name))
        });
        strays.collect()
    }

    /// The user's own files in the folders with their names, but for those that are the same as the embedded ones.
    pub fn own_files(&self) -> Vec<(String, PathBuf)> {
        let Some(directory) = &self.directory else { return Vec::new() };
        let files = in_folders(directory).into_iter();
        let named = files.filter_map(|path| Some((path.strip_prefix(directory).ok()?.display().to_string(), path)));
        let differs = |(name, path): &(String, PathBuf)| match embedded(name) {
            Some((_, bytes)) => fs::read(path).ok().as_deref() != Some(bytes),
            None => true,
        };
        named.filter(differs).collect()
    }
}

/// The files in the overriding folders, sorted.
fn in_folders(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&directory.join(folder), &mut files);
    }
    files.sort();
    files
}

fn stray(path: &Path, name: &str) -> Failure {
    let failure = Failure::invalid(format!("`{name}` overrides nothing and nothing names it"))
        .place(Place::file(path.display().to_string()));
    let folder = name.split_inclusive('/').next().unwrap_or_default();
    // The folder is common to all, and would make every name a near one.
    let own = names().filter_map(|name| name.strip_prefix(folder));
    match nearest(&name[folder.len()..], own).map(|near| format!("{folder}{near}")) {
        Some(near) => failure.hint(format!("Did you mean `{near}`? Otherwise remove it or name it in a playbook.")),
        None => failure.hint("Remove it or name it; `seedbed assets list` shows what can be overridden."),
    }
}

fn is_named(path: &Path, texts: &[(&Path, String)]) -> bool {
    let words = [path.file_name(), path.file_stem()].into_iter().flatten().map(|word| word.to_string_lossy());
    let words: Vec<_> = words.collect();
    texts.iter().any(|(from, text)| *from != path && words.iter().any(|word| text.contains(word.as_ref())))
}

/// The specs of a directory: several share its folders.
fn specs(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| matches!(path.extension().and_then(|ending| ending.to_str()), Some("yaml" | "yml"))).collect()
}

fn text(path: &Path) -> Option<String> {
    let small = fs::metadata(path).ok()?.len() <= LARGEST;
    small.then(|| fs::read_to_string(path).ok()).flatten()
}

/// Files, but for hidden ones and notes for people.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let ending = path.extension().and_then(|ending| ending.to_str());
        if path.is_dir() && !hidden {
            collect(&path, files);
        } else if !hidden && !matches!(ending, Some("md" | "txt")) {
            files.push(path);
        }
    }
}
