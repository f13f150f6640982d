//! Builds a machine image: kernel, initrd and disk.

use std::collections::BTreeMap;

use engine::failure::{Failure, Result};
use engine::host::quote;
use serde::Deserialize;

use super::debian::{mirror, mmdebstrap, write};
use super::{Builder, recipe};

/// `vm-images/NAME.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    suite: String,
    /// The disk's size before a machine makes it larger, as `truncate` takes it.
    size: String,
    packages: Vec<String>,
}

/// What an image consists of.
const OUTPUTS: [&str; 3] = ["kernel", "initrd", "disk.qcow2"];

/// Runs the script beside the root, and leaves its outputs in it. `$1` is the root.
const FINISH: &str = r#"set -eu; out=$(mktemp -d); cd "$out"
mv "$1/seedbed-finish" "$out/finish.sh"
sh "$out/finish.sh" "$1" "$out" SIZE
qemu-img convert -O qcow2 "$out/disk.raw" "$out/disk.qcow2"
for name in kernel initrd disk.qcow2; do mv "$out/$name" "$1/seedbed-$name"; done
rm -rf "$out""#;

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
        let script = write(&work.path().join("finish.sh"), &recipe.script)?;
        let file = |name: &str| quote(&work.path().join(name).display().to_string());
        let program = mmdebstrap("minbase", &image.packages)
            // The script makes its own initrd.
            .env("INITRD", "No")
            .arg("--dpkgopt=path-exclude=/usr/share/man/*")
            .arg("--dpkgopt=path-exclude=/usr/share/locale/*")
            .arg("--dpkgopt=path-exclude=/usr/share/doc/*")
            .arg("--dpkgopt=path-include=/usr/share/doc/*/copyright")
            // Without root, hooks run as another user, who sees nothing of ours: files go in and out through mmdebstrap.
            .arg(format!("--customize-hook=upload {} /seedbed-finish", quote(&script)))
            .arg(format!("--customize-hook={}", FINISH.replace("SIZE", &image.size)))
            .args(OUTPUTS.map(|name| format!("--customize-hook=download /seedbed-{name} {}", file(name))))
            // Everything is thrown away but what went out through the hooks.
            .args(["--skip=cleanup", "--format=null", &image.suite, "/dev/null", &mirror(builder)]);
        program.run(|line| step.output(line)).await?;
        let mut outputs = BTreeMap::new();
        for file in OUTPUTS {
            outputs.insert(file.to_owned(), builder.store.take(&work.path().join(file))?);
        }
        builder.remember(&key, format!("Debian {}", image.suite), outputs)
    };
    let result = make.await;
    step.conclude(result)
}
