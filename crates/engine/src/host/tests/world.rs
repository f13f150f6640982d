//! A remote userland in a temporary directory: one shell as `sh`, the tools it comes with.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::event::Events;
use crate::host::keys::{KeyPair, generate_ed25519};
use crate::host::{Become, Host, Login, Target};

/// Which shell is `sh`; with busybox all other tools are its own, too.
pub(crate) const SHELLS: [&str; 3] = ["dash", "bash", "busybox"];

pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) user: KeyPair,
    pub(crate) host: KeyPair,
    pub(crate) path: String,
}

impl World {
    pub(crate) fn with(shell: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let bin = directory.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let program = which(shell);
        if shell == "busybox" {
            let installed = Command::new(&program).args(["--install", "-s"]).arg(&bin).status().unwrap();
            assert!(installed.success());
        } else {
            symlink(&program, bin.join("sh")).unwrap();
        }
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", bin.display());
        let (user, host) = (generate_ed25519("user").unwrap(), generate_ed25519("host").unwrap());
        Self { directory, user, host, path }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A path inside, as the remote side is told.
    pub(crate) fn remote(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn target(&self, port: u16) -> Target {
        let login = Login::Key(self.user.private.clone());
        let mut target = Target::new("node", "127.0.0.1", "root", self.host.public.clone(), login);
        target.port = port;
        target.escalation = Become::None;
        target.deadline = Duration::from_secs(60);
        target
    }
}

pub(crate) async fn connect(target: &Target) -> Host {
    Host::connect(target, &Events::ignored().step("connect")).await.unwrap()
}

pub(crate) fn which(program: &str) -> PathBuf {
    let places = ["/usr/sbin", "/usr/bin", "/bin", "/sbin"];
    let found = places.iter().map(|place| Path::new(place).join(program)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{program} is not installed; `make setup` does"))
}

/// Waits for a condition of the test machine.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..800 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

/// Whether a process with this word in its arguments lives.
pub(crate) fn alive(word: &str) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    processes.flatten().any(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).split('\0').any(|argument| argument == word)
    })
}
