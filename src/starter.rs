//! What `init` writes: a spec and a repository that people keep.

use std::path::{Path, PathBuf};

use engine::failure::{Failure, Result};

use crate::githost::Git;

/// The name of the cluster in the embedded files, replaced by the user's.
const NAME: &str = "quickstart";
/// The folder that becomes a Git repository.
const REPOSITORY: &str = "gitops";

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!("../starters/minimal/", $path)))),*]
    };
}

/// The embedded files, by their path in the new directory.
const FILES: [(&str, &str); 15] = files![
    "seedbed.yaml",
    "gitops/README.md",
    "gitops/clusters/quickstart/infrastructure.yaml",
    "gitops/clusters/quickstart/apps.yaml",
    "gitops/infrastructure/kustomization.yaml",
    "gitops/infrastructure/namespaces.yaml",
    "gitops/infrastructure/quotas.yaml",
    "gitops/apps/kustomization.yaml",
    "gitops/apps/sample/kustomization.yaml",
    "gitops/apps/sample/release.yaml",
    "gitops/charts/sample/Chart.yaml",
    "gitops/charts/sample/values.yaml",
    "gitops/charts/sample/templates/deployment.yaml",
    "gitops/charts/sample/templates/service.yaml",
    "gitops/.gitignore",
];

/// Writes a spec and a repository with a first commit; answers the files.
///
/// `name` is the cluster's. Nothing that exists is overwritten: then nothing is written at all.
pub async fn init(directory: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let files: Vec<(PathBuf, String)> =
        FILES.into_iter().map(|(path, text)| (directory.join(named(path, name)), named(text, name))).collect();
    let taken = std::iter::once(directory.join(REPOSITORY).join(".git")).chain(files.iter().map(|file| file.0.clone()));
    if let Some(taken) = taken.into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(Failure::refused(format!("{} exists already, and nothing is overwritten", taken.display()))
            .hint("Name another directory: seedbed init DIR."));
    }
    for (path, text) in &files {
        let failed = |error: &std::io::Error| Failure::other(format!("cannot write {}", path.display())).because(error);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| failed(&error))?;
        }
        std::fs::write(path, text).map_err(|error| failed(&error))?;
    }
    commit(&directory.join(REPOSITORY), name).await?;
    Ok(files.into_iter().map(|file| file.0).collect())
}

fn named(text: &str, name: &str) -> String {
    text.replace(NAME, name)
}

async fn commit(repository: &Path, name: &str) -> Result<()> {
    let mut git = Git::at(repository);
    git.run(&["init", "--quiet", "--initial-branch=main"]).await?;
    git.run(&["add", "--all"]).await?;
    // The commit is the user's where git knows who that is.
    if !git.asks(&["config", "--get", "user.email"]).await? {
        for who in ["AUTHOR", "COMMITTER"] {
            git = git.environment(format!("GIT_{who}_NAME"), "seedbed");
            git = git.environment(format!("GIT_{who}_EMAIL"), "seedbed@localhost");
        }
    }
    git.run(&["commit", "--quiet", "-m", &format!("Start {name}")]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_writes_a_repository_with_one_commit_and_overwrites_nothing() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("demo");
        let files = init(&directory, "demo").await.unwrap();
        assert_eq!(files.len(), FILES.len());
        let git = Git::at(directory.join("gitops"));
        assert_eq!(git.run(&["rev-list", "--count", "main"]).await.unwrap(), "1");
        assert_eq!(git.run(&["status", "--porcelain"]).await.unwrap(), "");
        let spec = std::fs::read_to_string(directory.join("seedbed.yaml")).unwrap();
        assert!(spec.contains("cluster: demo") && spec.contains("path: clusters/demo"), "{spec}");
        assert!(directory.join("gitops/clusters/demo/apps.yaml").exists());
        let failure = init(&directory, "demo").await.unwrap_err();
        assert_eq!(failure.kind, engine::failure::Kind::Refused);
    }

    /// A file that is not in the list would be missing from what people get.
    #[test]
    fn every_file_of_the_starter_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("starters/minimal");
        let mut found = Vec::new();
        collect(&root, &mut found);
        let mut found: Vec<_> =
            found.iter().map(|path| path.strip_prefix(&root).unwrap().display().to_string()).collect();
        let mut embedded = FILES.map(|file| file.0.to_owned()).to_vec();
        found.sort();
        embedded.sort();
        assert_eq!(found, embedded);
    }

    fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { collect(&path, found) } else { found.push(path) }
        }
    }
}
