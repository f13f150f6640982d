//! Takes one file out of a gzipped tar archive.

use std::fs::File;
use std::io;
use std::path::Path;

/// Writes a member of an archive to a file. `./a` and `a` are the same name.
pub fn member(archive: &Path, name: &str, output: &Path) -> io::Result<()> {
    let plain = |path: &Path| path.strip_prefix("./").unwrap_or(path).to_owned();
    let wanted = plain(Path::new(name));
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(File::open(archive)?));
    for entry in tar.entries()? {
        let mut entry = entry?;
        if plain(&entry.path()?) == wanted {
            io::copy(&mut entry, &mut File::create(output)?)?;
            return Ok(());
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "the archive has no such member"))
}
