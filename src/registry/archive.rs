//! The files of an image archive: a tar file, gzipped or not, or a directory. Their bytes stay where they lie.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};

use engine::failure::{Failure, Result};
use flate2::read::MultiGzDecoder;
use tempfile::NamedTempFile;

/// Links lead to a file after fewer than this many.
const LINKS: usize = 8;
/// No document of an image is larger; a layer is never read as a whole.
const DOCUMENT: u64 = 16 << 20;

/// Where some bytes lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub path: PathBuf,
    pub offset: u64,
    /// In bytes.
    pub size: u64,
}

/// An archive's files by name.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    files: BTreeMap<String, Piece>,
    links: BTreeMap<String, String>,
    #[expect(dead_code, reason = "the file goes with it")]
    unpacked: Option<NamedTempFile>,
}

impl Piece {
    /// Reads its bytes.
    pub fn reader(&self) -> io::Result<impl Read + use<>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        Ok(BufReader::with_capacity(1 << 16, file).take(self.size))
    }
}

impl Archive {
    /// Lists the files of an archive. What is gzipped is unpacked beside other temporary files first.
    pub fn open(path: &Path) -> Result<Self> {
        let wrong = |error: io::Error| {
            let failure = Failure::invalid(format!("{} cannot be read as an image archive", path.display()));
            failure
                .because(&error)
                .hint("Make it anew: `docker save IMAGE -o FILE`, or an OCI layout as tar or directory.")
        };
        if path.is_dir() {
            return Self::directory(path).map_err(wrong);
        }
        let mut magic = [0; 6];
        let length = File::open(path).and_then(|file| file.take(6).read(&mut magic)).map_err(wrong)?;
        match &magic[..length] {
            [0x1f, 0x8b, ..] => {
                let unpacked = unpack(path).map_err(wrong)?;
                Self::tar(unpacked.path().to_owned(), path, Some(unpacked)).map_err(wrong)
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(packed(path, "zstd -d")),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Err(packed(path, "xz -d")),
            _ => Self::tar(path.to_owned(), path, None).map_err(wrong),
        }
    }

    fn tar(tar: PathBuf, named: &Path, unpacked: Option<NamedTempFile>) -> io::Result<Self> {
        let (mut files, mut links) = (BTreeMap::new(), BTreeMap::new());
        let mut archive = tar::Archive::new(File::open(&tar)?);
        for entry in archive.entries_with_seek()? {
            let entry = entry?;
            let name = normal(&entry.path()?);
            let kind = entry.header().entry_type();
            if kind.is_file() {
                let piece = Piece { path: tar.clone(), offset: entry.raw_file_position(), size: entry.size() };
                files.insert(name, piece);
            } else if let Some(target) = entry.link_name()? {
                // A symbolic link starts from its own directory, a hard one from the archive's.
                let from = if kind.is_symlink() { Path::new(&name).parent() } else { None };
                links.insert(name.clone(), normal(&from.unwrap_or(Path::new("")).join(target)));
            }
        }
        Ok(Self { path: named.to_owned(), files, links, unpacked })
    }

    /// Lists a layout: its index and its blobs. Whatever else lies there is not looked at.
    fn directory(path: &Path) -> io::Result<Self> {
        let mut found = vec![path.join("index.json")];
        let folders = std::fs::read_dir(path.join("blobs")).into_iter().flatten();
        for folder in folders {
            for blob in std::fs::read_dir(folder?.path())? {
                found.push(blob?.path());
            }
        }
        let mut files = BTreeMap::new();
        for file in found {
            if let (Ok(name), Ok(metadata)) = (file.strip_prefix(path), std::fs::metadata(&file)) {
                files.insert(normal(name), Piece { path: file.clone(), offset: 0, size: metadata.len() });
            }
        }
        Ok(Self { path: path.to_owned(), files, links: BTreeMap::new(), unpacked: None })
    }

    /// The archive's file, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a file lies.
    pub fn find(&self, name: &str) -> Option<&Piece> {
        let mut name = name;
        for _ in 0..LINKS {
            match (self.files.get(name), self.links.get(name)) {
                (Some(piece), _) => return Some(piece),
                (None, Some(target)) => name = target,
                (None, None) => return None,
            }
        }
        None
    }

    /// Reads a document; a failure where it is not there.
    pub fn document(&self, name: &str) -> Result<Vec<u8>> {
        let failed = |cause: String| {
            Failure::invalid(format!("{} is damaged: {name} cannot be read", self.path.display())).cause(cause)
        };
        let piece = self.find(name).ok_or_else(|| failed("it is not in it".into()))?;
        if piece.size > DOCUMENT {
            return Err(failed(format!("it has {} bytes", piece.size)));
        }
        let mut bytes = Vec::new();
        piece
            .reader()
            .and_then(|mut reader| reader.read_to_end(&mut bytes))
            .map_err(|error| failed(error.to_string()))?;
        if bytes.len() as u64 == piece.size { Ok(bytes) } else { Err(failed("it is cut off".into())) }
    }

    /// Reads a JSON document.
    pub fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T> {
        let bytes = self.document(name)?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::invalid(format!("{} is damaged: {name} does not parse", self.path.display())).because(&error)
        })
    }
}

fn packed(path: &Path, how: &str) -> Failure {
    Failure::invalid(format!("{} is compressed in a way that seedbed does not read", path.display()))
        .hint(format!("Unpack it first: `{how} {}`.", path.display()))
}

fn unpack(path: &Path) -> io::Result<NamedTempFile> {
    let mut unpacked = NamedTempFile::new()?;
    io::copy(&mut MultiGzDecoder::new(BufReader::new(File::open(path)?)), unpacked.as_file_mut())?;
    Ok(unpacked)
}

/// A path without `.` and `..`, as archives name their files.
fn normal(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::ParentDir => drop(parts.pop()),
            _ => {}
        }
    }
    parts.join("/")
}
