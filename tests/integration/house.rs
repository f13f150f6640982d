//! The rules of the house that a compiler does not know: who may name what, and how long a file may be.

use std::path::{Path, PathBuf};

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src"), root.join("crates")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    assert!(found.len() > 50, "the sources were not found");
    found
}

/// A file without its tests, its comments and its texts' lines that only quote.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let end = text.find("\n#[cfg(test)]").unwrap_or(text.len());
    text[..end].lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

/// Asserts that only some files name a crate, module or function.
fn only(names: &[&str], allowed: &[&str]) {
    let strays: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| {
            !is_test(path) && !allowed.iter().any(|prefix| path.starts_with(prefix) || path == Path::new(prefix))
        })
        .filter(|(_, text)| code(text).any(|line| names.iter().any(|name| line.contains(name))))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(strays.is_empty(), "{names:?} may be named only in {allowed:?}, and are in {strays:?}");
}

#[test]
fn only_the_ssh_files_name_russh() {
    only(
        &["russh::"],
        &["crates/engine/src/host/ssh.rs", "crates/engine/src/host/ssh", "crates/engine/src/host/keys.rs"],
    );
}

#[test]
fn only_templates_name_minijinja() {
    only(&["minijinja::"], &["crates/engine/src/template.rs", "crates/engine/src/template"]);
}

#[test]
fn only_one_reader_names_indicatif() {
    only(&["indicatif::"], &["src/report/bars.rs"]);
}

#[test]
fn only_the_helper_names_libvirt() {
    only(&["virt::connect", "virt::domain", "virt_sys::"], &["crates/libvirt"]);
}

#[test]
fn only_the_ssh_file_spawns_tasks() {
    only(&["tokio::spawn(", "task::spawn(", "spawn_local("], &["crates/engine/src/host/ssh.rs"]);
}

#[test]
fn modules_do_not_know_playbooks() {
    let modules = |path: &Path| path.starts_with("crates/engine/src/module");
    for (path, text) in sources().into_iter().filter(|(path, _)| modules(path) && !is_test(path)) {
        assert!(!code(&text).any(|line| line.contains("crate::playbook")), "{} names `playbook`", path.display());
    }
}

#[test]
fn the_engine_knows_neither_kubernetes_nor_the_command_line() {
    for (path, text) in sources().into_iter().filter(|(path, _)| path.starts_with("crates/engine")) {
        let named = ["kube::", "k8s_openapi::", "clap::", "seedbed::"]
            .into_iter()
            .find(|name| code(&text).any(|line| line.trim_start().starts_with("use ") && line.contains(name)));
        assert_eq!(named, None, "{}", path.display());
    }
}

#[test]
fn no_file_is_over_300_lines_without_its_tests() {
    let long: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| !is_test(path))
        .map(|(path, text)| (path, text[..text.find("\n#[cfg(test)]").unwrap_or(text.len())].lines().count()))
        .filter(|(_, lines)| *lines > 300)
        .map(|(path, lines)| format!("{} has {lines}", path.display()))
        .collect();
    assert!(long.is_empty(), "{long:?}");
}
