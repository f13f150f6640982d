//! Makes a layer out of unpacked Debian packages.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use regex::RegexSet;

use crate::artifact::catalog::Layer;
use crate::artifact::store::Blob;

/// Writes the files that a layer keeps, its links and its bundle.
pub fn debian_layer(layer: &Layer, unpacked: &Path, output: &Path) -> io::Result<Blob> {
    let keep = expressions(&layer.keep)?;
    let bundled = expressions(layer.bundle.iter().map(|bundle| &bundle.from))?;
    let mut bundle = BTreeMap::new();
    let mut tar = super::create(output)?;
    let mut packages = tar::Archive::new(File::open(unpacked)?);
    for entry in packages.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.display().to_string();
        let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
        if bundled.is_match(&path) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            bundle.insert(path, bytes);
            continue;
        }
        if path.is_empty() || !keep.is_match(&path) {
            continue;
        }
        let mode = entry.header().mode()?;
        tar.parents(&path)?;
        match entry.header().entry_type() {
            tar::EntryType::Directory => tar.directory(&path, mode)?,
            tar::EntryType::Symlink => {
                let target =
                    entry.link_name()?.ok_or_else(|| io::Error::other(format!("{path} is a link to nothing")))?;
                tar.link(&path, &target.display().to_string())?;
            }
            tar::EntryType::Regular => tar.stream(&path, mode, entry.size(), &mut entry)?,
            other => return Err(io::Error::other(format!("{path} is of a kind that no layer has: {other:?}"))),
        }
    }
    for (path, target) in &layer.links {
        tar.parents(path)?;
        tar.link(path, target)?;
    }
    if let Some(wanted) = &layer.bundle {
        let bytes: Vec<u8> = bundle.into_values().flatten().collect();
        tar.parents(&wanted.to)?;
        tar.file(&wanted.to, 0o644, &bytes)?;
    }
    super::finish(tar)
}

/// Expressions that match whole paths.
fn expressions<'a>(patterns: impl IntoIterator<Item = &'a String>) -> io::Result<RegexSet> {
    RegexSet::new(patterns.into_iter().map(|pattern| format!("^(?:{pattern})$"))).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::archive;
    use crate::artifact::catalog::Bundle;

    #[test]
    fn a_layer_has_what_it_keeps_its_links_and_its_bundle() {
        let directory = tempfile::tempdir().unwrap();
        let unpacked = directory.path().join("unpacked.tar");
        let mut tar = archive::create(&unpacked).unwrap();
        tar.file("./usr/sbin/nft", 0o755, b"nft").unwrap();
        tar.file("./usr/share/doc/nft", 0o644, b"words").unwrap();
        tar.file("./usr/share/b.crt", 0o644, b"B").unwrap();
        tar.file("./usr/share/a.crt", 0o644, b"A").unwrap();
        archive::finish(tar).unwrap();
        let layer = Layer {
            suite: "trixie".into(),
            packages: Vec::new(),
            keep: vec!["usr/sbin/.*".into()],
            links: BTreeMap::from([("usr/sbin/iptables".into(), "nft".into())]),
            bundle: Some(Bundle { from: "usr/share/.*[.]crt".into(), to: "etc/all.crt".into() }),
        };
        let output = directory.path().join("layer.tar");
        debian_layer(&layer, &unpacked, &output).unwrap();
        let mut tar = tar::Archive::new(File::open(&output).unwrap());
        let mut found = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.push((entry.path().unwrap().display().to_string(), text));
        }
        let found: Vec<_> = found.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let expected = [
            ("usr/", ""),
            ("usr/sbin/", ""),
            ("usr/sbin/nft", "nft"),
            ("usr/sbin/iptables", ""),
            ("etc/", ""),
            ("etc/all.crt", "AB"),
        ];
        assert_eq!(found, expected);
    }
}
