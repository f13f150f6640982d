//! Runs kustomize, the one in kubectl.

use std::path::{Component, Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use engine::failure::{Failure, Result};
use serde_json::Value;
use tokio::process::Command;

use super::generate;
use crate::flux::Object;

/// A base from elsewhere may have to be fetched.
const PATIENCE: Duration = Duration::from_secs(120);

/// kustomize over one exported tree.
#[derive(Clone, Debug)]
pub struct Kustomize {
    /// The `kubectl` program, which has kustomize in it.
    pub kubectl: PathBuf,
    /// The files of the repository; a copy that may be written to.
    pub tree: PathBuf,
}

impl Kustomize {
    /// Builds the folder of a Kustomization with what its spec adds; answers the documents as text.
    pub async fn build(&self, tier: &Object) -> Result<String> {
        let folder = self.folder(tier)?;
        let (file, before) = generate::kustomization(&folder)?;
        let after = generate::amended(before.as_deref(), &folder, tier)?;
        write(&file, after.to_string().as_bytes())?;
        let built = self.run(&folder).await;
        // Another tier may build the same folder, with other additions.
        match before {
            Some(before) => write(&file, before.as_bytes())?,
            None => std::fs::remove_file(&file)
                .map_err(|error| Failure::other(format!("cannot remove {}", file.display())).because(&error))?,
        }
        built.map_err(|failure| Failure { evidence: failure.evidence.map(|text| self.within(&text)), ..failure })
    }

    fn folder(&self, tier: &Object) -> Result<PathBuf> {
        let path = tier.text("/spec/path");
        let outside = Path::new(path).components().any(|part| part == Component::ParentDir);
        let folder = self.tree.join(path.trim_start_matches("./").trim_start_matches('/'));
        if outside || !folder.is_dir() {
            return Err(Failure::invalid(format!("its path {path} is not in the repository")));
        }
        Ok(folder)
    }

    /// Paths as people know them: from the repository's root.
    fn within(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.tree.display()), "")
    }

    async fn run(&self, folder: &Path) -> Result<String> {
        let mut command = Command::new(&self.kubectl);
        command
            .arg("kustomize")
            .arg(folder)
            // As Flux does, which keeps within the repository by other means.
            .args(["--load-restrictor", "LoadRestrictionsNone"])
            .env_remove("KUBECONFIG")
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        let failed = |why: String| Failure::invalid("kustomize does not build it").cause(why);
        let ran = tokio::time::timeout(PATIENCE, command.output()).await;
        let ran = ran.map_err(|_| failed(format!("it did not end within {} s", PATIENCE.as_secs())))?;
        let ran =
            ran.map_err(|error| Failure::other(format!("{} cannot be run", self.kubectl.display())).because(&error))?;
        if ran.status.success() {
            return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
        }
        Err(failed(ran.status.to_string()).evidence(String::from_utf8_lossy(&ran.stderr).trim()))
    }
}

fn write(file: &Path, content: &[u8]) -> Result<()> {
    std::fs::write(file, content)
        .map_err(|error| Failure::other(format!("cannot write {}", file.display())).because(&error))
}

/// Reads YAML as kustomize does.
pub(super) fn yaml(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! { strict_booleans: true, legacy_octal_numbers: true, budget: None };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}
