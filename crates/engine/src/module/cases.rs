//! Module cases as files: arguments and what was seen of a host go in, the changes and the outcome come out.
//!
//! `tests/modules/<module>/<case>.yaml` holds `args`, `check`, `seen` and `expected`. A case without `expected` gets
//! it written when `UPDATE_CASES` is set; then a person reads it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::arg::{Arguments, Entry};
use crate::host::{Change, HostView, Mode, Recorded};
use crate::place::Place;

/// A case as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows.
    about: String,
    args: Map<String, Json>,
    #[serde(default)]
    check: bool,
    #[serde(default)]
    seen: Recorded,
    expected: Option<Expected>,
}

/// What a module is to do.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    changed: bool,
    /// A failure of the module, or why the command failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    result: Map<String, Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

#[tokio::test(start_paused = true)]
async fn every_case_comes_out_as_expected() {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/modules"));
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in cases(&root) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let module = name.split('/').next().unwrap();
        let case: Case = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!case.about.is_empty(), "{name} says nothing about itself");
        let expected = case.expected;
        let found = replay(module, case.args, case.seen, case.check).await;
        count += 1;
        match expected {
            None if update => {
                let written = serde_saphyr::to_string(&Map::from_iter(
                    [("expected", &found)].map(|(key, value)| (key.to_owned(), serde_json::to_value(value).unwrap())),
                ));
                fs::write(&path, format!("{}\n{}", text.trim_end(), written.unwrap())).unwrap();
            }
            None => wrong.push(format!("{name} expects nothing; UPDATE_CASES=1 writes what comes out")),
            Some(expected) if expected != found => {
                wrong.push(format!("{name}\nexpected {expected:#?}\nfound {found:#?}"));
            }
            Some(_) => {}
        }
    }
    assert!(count > 0, "there are no cases in {}", root.display());
    assert!(wrong.is_empty(), "{} of {count} cases:\n{}", wrong.len(), wrong.join("\n\n"));
}

fn cases(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(cases(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    files
}

async fn replay(module: &str, args: Map<String, Json>, seen: Recorded, check: bool) -> Expected {
    let place = Place::file("case");
    let entry = |(name, value): (String, Json)| {
        let written = value.as_str().map(str::to_owned);
        Entry { name, place: place.clone(), value, written }
    };
    let arguments = Arguments { place: place.clone(), entries: args.into_iter().map(entry).collect() };
    let failed = |failed: String, changes| Expected {
        changed: false,
        failed: Some(failed),
        changes,
        result: Map::new(),
        diff: None,
    };
    let module = super::find(module).unwrap_or_else(|| panic!("there is no module {module}"));
    let module = match module.read(&arguments) {
        Ok(module) => module,
        Err(mistakes) => {
            let texts: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            return failed(texts.join("; "), Vec::new());
        }
    };
    let mut host = HostView::recorded(seen, if check { Mode::Check } else { Mode::Apply });
    let outcome = module.run(&mut host).await;
    let changes: Vec<String> = host.changes().iter().map(shown).collect();
    match outcome {
        Err(failure) => failed(failure.to_string(), changes),
        Ok(mut outcome) => {
            // How long it took is no part of a case.
            outcome.result.remove("delta");
            let diff = outcome.diff.map(|diff| diff.unified());
            Expected { changed: outcome.changed, failed: outcome.failed, changes, result: outcome.result, diff }
        }
    }
}

/// A change with all that it writes.
fn shown(change: &Change) -> String {
    let attributes = match change {
        Change::Write { attributes, .. } | Change::Send { attributes, .. } | Change::Directory { attributes, .. } => {
            let mode = attributes.mode.map(|mode| format!("{mode:04o}"));
            let all = [("owner", attributes.owner.clone()), ("group", attributes.group.clone()), ("mode", mode)];
            all.into_iter().filter_map(|(name, value)| Some(format!(" {name} {}", value?))).collect()
        }
        _ => String::new(),
    };
    match change {
        Change::Write { path, content, .. } => {
            format!("write {path}{attributes}\n{}", String::from_utf8_lossy(content))
        }
        Change::Run(command) => match &command.stdin {
            Some(stdin) => format!("{command} <<<{:?}", String::from_utf8_lossy(stdin)),
            None => command.to_string(),
        },
        other => format!("{other}{attributes}"),
    }
}
