//! Embeds the files of `playbooks/`, `templates/` and `vm-images/`, which a user's files of the same name override,
//! and those of `starters/`, which `init` writes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    embed("embedded.rs", "EMBEDDED", &["playbooks", "templates", "vm-images"])?;
    embed("starters.rs", "STARTERS", &["starters"])
}

fn embed(file: &str, table: &str, folders: &[&str]) -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    let mut names = Vec::new();
    for folder in folders {
        println!("cargo:rerun-if-changed={folder}");
        if root.join(folder).is_dir() {
            collect(&root, &root.join(folder), &mut names)?;
        }
    }
    names.sort();
    let mut text = format!("pub static {table}: &[(&str, &[u8])] = &[\n");
    for name in names {
        let path = root.join(&name);
        let _ = writeln!(text, "    ({name:?}, include_bytes!({:?})),", path.display().to_string());
    }
    fs::write(out.join(file), text + "];\n")
}

fn collect(root: &Path, directory: &Path, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, names)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            names.push(name.display().to_string());
        }
    }
    Ok(())
}
