use std::fs;

use super::*;

/// An embedded file, whichever there are.
fn some_name() -> &'static str {
    names().find(|name| name.starts_with("templates/")).unwrap()
}

fn beside(files: &[(&str, &str)]) -> (tempfile::TempDir, Assets) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let assets = Assets::beside(directory.path());
    (directory, assets)
}

#[test]
fn the_users_file_wins_and_is_listed() {
    let name = some_name();
    let (directory, assets) = beside(&[(name, "mine\n")]);
    let asset = assets.read(name).unwrap();
    assert_eq!(asset.text().unwrap(), "mine\n");
    assert_eq!(asset.origin, Origin::File(directory.path().join(name)));
    assert_eq!(assets.overrides(), [(name, directory.path().join(name))]);
    assert!(assets.diff(&[]).unwrap().contains("+mine"));
    assert_eq!(Assets::embedded().read(name).unwrap().origin.to_string(), format!("embedded:{name}"));
}

#[test]
fn an_equal_copy_overrides_nothing() {
    let (_directory, assets) = beside(&[]);
    let name = some_name().to_owned();
    let made = assets.copy(std::slice::from_ref(&name)).unwrap();
    assert!(made[0].is_file());
    assert_eq!(assets.overrides(), []);
    assert_eq!(assets.diff(&[]).unwrap(), "");
    assert!(assets.copy(&[name]).unwrap_err()[0].hints[0].contains("assets diff"));
}

#[test]
fn a_misspelt_file_is_an_error_with_the_nearest_name() {
    let name = some_name();
    let misspelt = name.replacen("templates/", "templates/x", 1);
    let (_directory, assets) = beside(&[
        (&misspelt, "x"),
        ("templates/mine.j2", "y"),
        ("playbooks/notes.md", "z"),
        ("other.yaml", "# uses mine.j2"),
    ]);
    let strays = assets.strays(&[]);
    assert_eq!(strays.len(), 1, "{strays:?}");
    assert!(strays[0].hints[0].contains(name));
}

#[test]
fn nothing_outside_the_folders_is_read() {
    let (_directory, assets) = beside(&[("seedbed.yaml", "x")]);
    assert!(assets.read("seedbed.yaml").is_err());
    assert!(assets.read("playbooks/../seedbed.yaml").is_err());
}
