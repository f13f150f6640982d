//! Private directories and files.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use engine::failure::Result;

use super::failed;

/// Makes a directory that only its owner may enter, also if it is there already.
pub fn private_directory(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| failed("make", path, &error))?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(|error| failed("protect", path, &error))
}

/// Writes a file that only its owner may read; whole or not at all.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = path.with_extension(format!("new{}", std::process::id()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(|error| {
        let _ = std::fs::remove_file(&temporary);
        failed("write", path, &error)
    })
}
