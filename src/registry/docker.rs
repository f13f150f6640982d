//! Images of a container program on this workstation.

use std::path::Path;
use std::process::Stdio;

use engine::failure::{Failure, Result};
use tempfile::NamedTempFile;
use tokio::process::Command;

/// Both save in the same form.
const PROGRAMS: [&str; 2] = ["docker", "podman"];

/// Saves an image as an archive, which goes with the value.
pub async fn save(image: &str) -> Result<NamedTempFile> {
    let Some(program) = PROGRAMS.into_iter().find(|program| is_there(program)) else {
        return Err(Failure::invalid(format!(
            "there is no file {image}, and no docker here that could have such an image"
        ))
        .hint("Name an archive: an OCI layout as tar or directory, or what `docker save` writes."));
    };
    let failed = |what: &str| Failure::refused(format!("{program} {what} {image}"));
    let file = NamedTempFile::new().map_err(|error| failed("cannot save").because(&error))?;
    let mut command = Command::new(program);
    command.arg("save").arg("--output").arg(file.path()).arg("--").arg(image);
    let output = command.stdin(Stdio::null()).process_group(0).kill_on_drop(true).output().await;
    let output = output.map_err(|error| failed("does not start to save").because(&error))?;
    if output.status.success() {
        return Ok(file);
    }
    Err(failed("does not save")
        .evidence(String::from_utf8_lossy(&output.stderr).trim())
        .hint(format!("`{program} images` lists what there is; a file is named by its path.")))
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| Path::new(&directory).join(program).is_file())
}
