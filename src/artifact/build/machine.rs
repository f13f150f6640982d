//! Builds a machine image: kernel, initrd and disk.

use std::collections::BTreeMap;

use engine::failure::{Failure, Result};
use serde::Deserialize;

use super::debian::{mirror, mmdebstrap, write};
use super::{Builder, recipe};
use crate::artifact::process::Program;

/// `vm-images/NAME.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    suite: String,
    /// The disk's size before a machine makes it larger, as `truncate` takes it.
    size: String,
    packages: Vec<String>,
}

/// Builds a machine image unless it is there.
pub async fn ensure(builder: &Builder<'_>, name: &str) -> Result<()> {
    let recipe = builder.catalog.machine(name)?;
    let key = recipe::machine_key(name, recipe);
    if builder.is_there(&key) {
        return Ok(());
    }
    let step = builder.step.child_of("build", format!("machine image {name}"), &[]);
    let make = async {
        let place = format!("vm-images/{name}.yaml");
        let image: Image = serde_saphyr::from_str(&recipe.packages)
            .map_err(|error| Failure::invalid(format!("{place} does not parse")).cause(error))?;
        let work = builder.store.work(name)?;
        let directory = work.path().display();
        let script = write(&work.path().join("finish.sh"), &recipe.script)?;
        let program = mmdebstrap("minbase", &image.packages)
            // The script makes its own initrd.
            .env("INITRD", "No")
            .arg("--dpkgopt=path-exclude=/usr/share/man/*")
            .arg("--dpkgopt=path-exclude=/usr/share/locale/*")
            .arg("--dpkgopt=path-exclude=/usr/share/doc/*")
            .arg("--dpkgopt=path-include=/usr/share/doc/*/copyright")
            .arg(format!("--customize-hook=sh {script} \"$1\" {directory} {}", image.size))
            .args(["--format=null", &image.suite, "/dev/null", &mirror(builder)]);
        program.run(|line| step.output(line)).await?;
        let hint = "apt-get install --yes qemu-utils";
        let convert = Program::new("qemu-img", hint).args(["convert", "-O", "qcow2", "disk.raw", "disk.qcow2"]);
        convert.directory(work.path()).run(|_| ()).await?;
        let mut outputs = BTreeMap::new();
        for file in ["kernel", "initrd", "disk.qcow2"] {
            outputs.insert(file.to_owned(), builder.store.take(&work.path().join(file))?);
        }
        builder.remember(&key, format!("Debian {}", image.suite), outputs)
    };
    let result = make.await;
    step.conclude(result)
}
