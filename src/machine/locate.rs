//! Finds the executable `seedbed-libvirt`.

use std::path::{Path, PathBuf};

use engine::failure::{Failure, Result};

const NAME: &str = "seedbed-libvirt";

/// Names another executable; for development.
const VARIABLE: &str = "SEEDBED_LIBVIRT";

/// Finds the executable: as the environment says, beside this program, or on the PATH.
pub fn executable() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(VARIABLE) {
        return Ok(path.into());
    }
    beside().or_else(on_path).ok_or_else(|| {
        Failure::refused(format!("`{NAME}` is neither beside `seedbed` nor on the PATH"))
            .hint(format!("Install both executables into one directory, or name it: {VARIABLE}=/path/to/{NAME}."))
    })
}

fn beside() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.canonicalize().ok()?;
    let directory = program.parent()?;
    // Cargo puts tests one directory below the programs.
    let above = directory.parent().filter(|_| directory.ends_with("deps"));
    [Some(directory), above].into_iter().flatten().find_map(within)
}

fn on_path() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find_map(|directory| within(&directory))
}

fn within(directory: &Path) -> Option<PathBuf> {
    Some(directory.join(NAME)).filter(|path| path.is_file())
}
