//! Makes image layers out of Debian packages.

use std::collections::BTreeMap;
use std::path::Path;

use engine::failure::{Failure, Result};

use super::{Builder, recipe};
use crate::artifact::archive;
use crate::artifact::process::Program;

/// Debian's own address, which a mirror may stand for.
const DEBIAN: &str = "http://deb.debian.org/debian";

const HINT: &str = "apt-get install --yes mmdebstrap";

/// All times in what is built; with them, equal inputs give equal bytes.
const EPOCH: &str = "1767225600";

/// Builds a layer unless it is there.
pub async fn ensure_layer(builder: &Builder<'_>, name: &str) -> Result<()> {
    let layer = builder.catalog.layer(name)?;
    let key = recipe::layer_key(layer);
    if builder.is_there(&key) {
        return Ok(());
    }
    let step = builder.step.child_of("build", format!("layer {name}"), &[]);
    let make = async {
        let work = builder.store.work(name)?;
        let unpacked = work.path().join("unpacked.tar");
        let program = mmdebstrap("extract", &layer.packages)
            .args(["--skip=output/dev", "--format=tar", &layer.suite])
            .arg(&unpacked)
            .arg(mirror(builder));
        program.run(|line| step.output(line)).await?;
        let file = work.path().join("layer.tar");
        let write = || archive::debian_layer(layer, &unpacked, &file);
        let blob = tokio::task::block_in_place(write)
            .map_err(|error| Failure::other(format!("cannot write the layer {name}")).because(&error))?;
        builder.store.adopt(&file, &blob)?;
        builder.remember(&key, format!("Debian {}", layer.suite), BTreeMap::from([(name.to_owned(), blob)]))
    };
    let result = make.await;
    step.conclude(result)
}

/// `mmdebstrap` with what all uses have in common.
pub fn mmdebstrap(variant: &str, packages: &[String]) -> Program {
    Program::new("mmdebstrap", HINT)
        .env("SOURCE_DATE_EPOCH", EPOCH)
        .arg("--quiet")
        .arg(format!("--variant={variant}"))
        .arg(format!("--include={}", packages.join(",")))
        .arg("--aptopt=APT::Install-Recommends \"false\"")
}

/// The address that packages come from.
pub fn mirror(builder: &Builder<'_>) -> String {
    builder.mirrors.get(DEBIAN).cloned().unwrap_or_else(|| DEBIAN.to_owned())
}

/// Writes a script and returns its path as text.
pub fn write(path: &Path, text: &str) -> Result<String> {
    std::fs::write(path, text)
        .map_err(|error| Failure::other(format!("cannot write {}", path.display())).because(&error))?;
    Ok(path.display().to_string())
}
