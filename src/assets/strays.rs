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
    /// A file is named if the spec or another file in the folders, or one of `referring`, holds its file name or stem.
    pub fn strays(&self, spec: &str, referring: &[PathBuf]) -> Vec<Failure> {
        let Some(directory) = &self.directory else { return Vec::new() };
        let mut files = Vec::new();
        for folder in FOLDERS {
            collect(&directory.join(folder), &mut files);
        }
        files.sort();
        let mut texts: Vec<(&Path, String)> = vec![(Path::new(""), spec.to_owned())];
        texts.extend(files.iter().chain(referring).filter_map(|path| Some((path.as_path(), text(path)?))));
        let relative = |path: &Path| path.strip_prefix(directory).map(|name| name.display().to_string()).ok();
        let strays = files.iter().filter_map(|path| {
            let name = relative(path)?;
            (embedded(&name).is_none() && !is_named(path, &texts)).then(|| stray(path, &name))
        });
        strays.collect()
    }
}

fn stray(path: &Path, name: &str) -> Failure {
    let failure = Failure::invalid(format!("`{name}` overrides nothing and nothing names it"))
        .place(Place::file(path.display().to_string()));
    match nearest(name, names()) {
        Some(near) => failure.hint(format!("Did you mean `{near}`? Otherwise remove it or name it in a playbook.")),
        None => failure.hint("Remove it or name it; `seedbed assets list` shows what can be overridden."),
    }
}

fn is_named(path: &Path, texts: &[(&Path, String)]) -> bool {
    let words = [path.file_name(), path.file_stem()].into_iter().flatten().map(|word| word.to_string_lossy());
    let words: Vec<_> = words.collect();
    texts.iter().any(|(from, text)| *from != path && words.iter().any(|word| text.contains(word.as_ref())))
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
