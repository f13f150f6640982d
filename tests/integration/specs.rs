//! Specs good and bad, a file each.

use std::fmt::Write as _;
use std::path::PathBuf;

use engine::failure::{Failure, Kind};
use seedbed::spec::{self, Sources};

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect();
    files.sort();
    assert!(!files.is_empty(), "{folder}");
    files
}

/// Everything that a reporter would show.
fn rendered(failures: &[Failure]) -> String {
    let mut text = String::new();
    for failure in failures {
        writeln!(text, "{failure}").unwrap();
        for line in failure.evidence.iter().flat_map(|evidence| evidence.lines()) {
            writeln!(text, "    {line}").unwrap();
        }
        for hint in &failure.hints {
            writeln!(text, "  hint: {hint}").unwrap();
        }
    }
    text
}

#[test]
fn good_specs_are_accepted() {
    for file in files("tests/specs/good").into_iter().chain(files("inventories")) {
        if let Err(failures) = spec::load(&file) {
            panic!("{}:\n{}", file.display(), rendered(&failures));
        }
        let first = std::fs::read_to_string(&file).unwrap();
        let editors = first.starts_with("# yaml-language-server: $schema=../seedbed.schema.json\n");
        assert!(
            editors || !file.starts_with("inventories"),
            "{}: its first line tells editors the schema",
            file.display()
        );
    }
}

#[test]
fn what_the_full_spec_means() {
    let cluster = spec::load("tests/specs/good/full.yaml").unwrap();
    insta::with_settings!({snapshot_path => "../specs/good", prepend_module_to_snapshot => false}, {
        insta::assert_json_snapshot!("full", cluster);
    });
}

#[test]
fn of_bad_specs_every_mistake_is_reported() {
    for file in files("tests/specs/bad").into_iter().chain(files("tests/specs/overrides")) {
        let report = spec::validate(&file, Sources::Check);
        assert!(!report.failures.is_empty(), "{} is good", file.display());
        assert!(report.failures.iter().all(|failure| failure.kind == Kind::Invalid && failure.place.is_some()));
        let text = rendered(&report.failures);
        let beside = format!("../../{}", file.parent().unwrap().display());
        insta::with_settings!({snapshot_path => beside, prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(file.file_stem().unwrap().to_str().unwrap(), text);
        });
    }
}

#[test]
fn the_secret_of_a_url_is_not_in_the_messages() {
    let report = spec::validate("tests/specs/bad/gitops-url.yaml", Sources::Leave);
    assert!(report.failures.iter().any(|failure| failure.what.contains("password")));
    assert!(report.failures.iter().all(|failure| !failure.what.contains("me:secret")));
}

#[test]
fn a_missing_spec_names_init() {
    let failures = spec::load("tests/specs/none.yaml").unwrap_err();
    assert!(failures[0].hints[0].contains("seedbed init"));
}

#[test]
fn up_makes_nothing_on_a_broken_repository() {
    let mut seedbed = std::process::Command::new(env!("CARGO_BIN_EXE_seedbed"));
    let output = seedbed.args(["up", "tests/specs/bad/repository.yaml"]).output().unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{talk}");
    assert!(talk.contains("infrastructure -> apps -> infrastructure"), "{talk}");
    assert!(!std::path::Path::new("tests/specs/bad/.seedbed").exists());
}
