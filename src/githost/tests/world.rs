//! What the tests stand on: a user's source and a remote, both real.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use engine::event::Events;

use crate::githost::{Access, FetchedBack, Received, Remote, Seeded, Source, fetch_back, pull, seed};
use crate::spec::Dirty;

/// A user's source, an empty bare repository elsewhere, and a store of ours.
pub struct World {
    pub root: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let world = Self { root: tempfile::tempdir().unwrap() };
        world.git(".", &["init", "--quiet", "--bare", "--initial-branch=main", "remote.git"]);
        world.git("remote.git", &["config", "receive.denyNonFastForwards", "true"]);
        std::fs::create_dir(world.path("source")).unwrap();
        world
    }

    pub fn with_repository() -> Self {
        let world = Self::new();
        world.git("source", &["init", "--quiet", "--initial-branch=main"]);
        world.write("source/a.yaml", "a: 1\n");
        world.commit("source", "first");
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn git(&self, directory: &str, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.path(directory))
            .args(["-c", "user.name=User", "-c", "user.email=user@example.com"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn commit(&self, directory: &str, message: &str) -> String {
        self.git(directory, &["add", "--all"]);
        self.git(directory, &["commit", "--quiet", "-m", message]);
        self.git(directory, &["rev-parse", "HEAD"])
    }

    /// Makes a commit as automation in the cluster would.
    pub fn commit_in_cluster(&self, file: &str, text: &str) -> String {
        let clone = self.path("clone");
        if clone.exists() {
            std::fs::remove_dir_all(&clone).unwrap();
        }
        self.git(".", &["clone", "--quiet", "remote.git", "clone"]);
        self.write(&format!("clone/{file}"), text);
        let commit = self.commit("clone", "from the cluster");
        self.git("clone", &["push", "--quiet", "origin", "main"]);
        commit
    }

    pub fn remote(&self) -> Remote {
        Remote {
            url: self.path("remote.git").display().to_string(),
            branch: "main".into(),
            cluster: "demo".into(),
            access: Access::Own,
            timeout: Duration::from_secs(60),
        }
    }

    pub async fn source(&self) -> Source {
        Source::open(&self.path("source"), &self.path("state/git")).await.unwrap()
    }

    pub async fn seed(&self, dirty: Dirty) -> engine::failure::Result<Seeded> {
        seed(&self.source().await, &self.remote(), dirty, &Events::ignored().step("seed")).await
    }

    /// Brings home what the remote has, as `down` does.
    pub async fn fetch_back(&self) -> Vec<FetchedBack> {
        self.bring(Some(&self.source().await)).await
    }

    /// Brings what the remote's branch has, as `gitops pull` does.
    pub async fn pull(&self) -> FetchedBack {
        pull(&self.source().await, &self.remote(), self.root.path()).await.unwrap()
    }

    pub async fn bring(&self, source: Option<&Source>) -> Vec<FetchedBack> {
        self.git("remote.git", &["bundle", "create", "--quiet", "../received", "--all"]);
        let received = Received {
            bundle: &self.path("received"),
            cluster: "demo",
            branch: "main",
            directory: self.root.path(),
            name: "demo-commits",
        };
        fetch_back(source, &received).await.unwrap()
    }

    /// Another cluster of the same name, after a first one is gone.
    pub fn begin_again(&self) {
        std::fs::remove_dir_all(self.path("remote.git")).unwrap();
        self.git(".", &["init", "--quiet", "--bare", "--initial-branch=main", "remote.git"]);
    }

    /// Commits to another branch, as image automation does.
    pub fn commit_on_branch(&self, branch: &str) -> String {
        let commit = self.commit_in_cluster("image.yaml", "tag: 2\n");
        self.git("remote.git", &["update-ref", &format!("refs/heads/{branch}"), &commit]);
        self.git("remote.git", &["update-ref", "refs/heads/main", &format!("{commit}^")]);
        commit
    }

    pub fn bundle(&self, tip: &str) -> PathBuf {
        self.path(&format!("demo-commits-{}.bundle", &tip[..12]))
    }

    pub fn tip(&self) -> String {
        self.git("remote.git", &["rev-parse", "main"])
    }
}
