//! The archive: a tar.gz for its owner only, whose first entry is the first page.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use engine::failure::{Failure, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::spec::Cluster;
use crate::state::{State, private_directory, write_private};

/// The name of the first page.
const PAGE: &str = "README.txt";
/// How an archive's name ends.
const ENDING: &str = ".tar.gz";
/// How many are kept, the new one with them.
const KEPT: usize = 5;

/// Finds the place of the next one, and removes the oldest of those before it.
pub fn place(cluster: &Cluster, state: &State) -> Result<PathBuf> {
    let directory = directory(state);
    private_directory(&directory)?;
    for old in superfluous(&directory) {
        // It only takes place.
        let _ = std::fs::remove_file(old);
    }
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S%.3fZ");
    Ok(directory.join(format!("{}-{now}{ENDING}", cluster.name)))
}

/// Those that lie there, the oldest first.
pub fn all(state: &State) -> Vec<PathBuf> {
    archives(&directory(state))
}

fn directory(state: &State) -> PathBuf {
    state.directory().join("diagnosis")
}

fn archives(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut archives: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().ends_with(ENDING)).collect();
    // Names hold UTC times.
    archives.sort();
    archives
}

/// Those that make room for one more.
fn superfluous(directory: &Path) -> Vec<PathBuf> {
    let mut archives = archives(directory);
    archives.truncate((archives.len() + 1).saturating_sub(KEPT));
    archives
}

/// Writes it, whole or not at all. It unpacks into one directory, named as the file.
pub fn write(path: &Path, page: &str, files: &BTreeMap<String, String>) -> Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let top = name.trim_end_matches(".tgz").trim_end_matches(ENDING);
    let bytes = pack(if top.is_empty() { "diagnosis" } else { top }, page, files)
        .map_err(|error| Failure::other("the diagnosis cannot be packed").because(&error))?;
    write_private(path, &bytes)
}

fn pack(top: &str, page: &str, files: &BTreeMap<String, String>) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
    let pages = [(PAGE, page)].into_iter();
    for (name, text) in pages.chain(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))) {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(now);
        tar.append_data(&mut header, format!("{top}/{name}"), text.as_bytes())?;
    }
    tar.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_first_page_is_first_and_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("demo-1.tar.gz");
        let long = format!("kubernetes/logs/{}/controller.log", "p".repeat(180));
        let files = [("a.txt".to_owned(), "text".to_owned()), (long.clone(), "log".to_owned())].into();
        write(&path, "the cause", &files).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(&path).unwrap()));
        let mut entries = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            entries.push((entry.path().unwrap().display().to_string(), text));
        }
        let entry = |name: &str, text: &str| (format!("demo-1/{name}"), text.to_owned());
        assert_eq!(entries, [entry("README.txt", "the cause"), entry("a.txt", "text"), entry(&long, "log")]);
    }

    #[test]
    fn the_newest_few_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        for number in 1..=7 {
            std::fs::write(directory.path().join(format!("demo-{number}.tar.gz")), "").unwrap();
        }
        std::fs::write(directory.path().join("notes.txt"), "mine").unwrap();
        let names: Vec<PathBuf> = superfluous(directory.path());
        let expected: Vec<PathBuf> = (1..=3).map(|n| directory.path().join(format!("demo-{n}.tar.gz"))).collect();
        assert_eq!(names, expected);
    }
}
