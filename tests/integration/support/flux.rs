//! Flux as it is installed, with its controllers as plain processes on loopback: everything but pods is real.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use engine::event::Events;
use engine::wait::Patience;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, Patch, PatchParams};
use seedbed::flux::{self, CONTROLLERS, Controller, Expected, Manifests, Reader, Snapshot, Sync};
use seedbed::githost::{self, Access, Remote, Revision, SecretData, Source};
use seedbed::gitops::{self, Times};
use seedbed::plan::Pace;
use seedbed::spec::Dirty;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::apiserver::ApiServer;
use super::git::git;
use super::programs::{manifest, program};

pub const PATIENCE: Patience = Patience::for_seconds(120).every(Duration::from_millis(200), Duration::from_secs(1));
/// The service address of the Receiver.
pub const WEBHOOK: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 11);

/// Flux's manifests, from beside the programs.
pub fn manifests() -> Manifests {
    let controller = |name: &str| Controller {
        name: name.to_owned(),
        image: format!("ghcr.io/fluxcd/{name}:v1.2.3"),
        version: "v1.2.3".into(),
        definitions: manifest(&format!("{name}-crds")),
        deployment: manifest(&format!("{name}-deployment")),
    };
    Manifests {
        controllers: CONTROLLERS.map(controller).to_vec(),
        roles: manifest("flux-rbac"),
        policies: manifest("flux-policies"),
    }
}

/// An API server with Flux, and a repository that it reads over a real sshd.
pub struct World {
    pub server: ApiServer,
    /// Where notification-controller's webhooks are.
    pub receiver: u16,
    pub remote: Remote,
    pub sync: Sync,
    directory: TempDir,
    processes: Vec<Child>,
}

impl World {
    /// Installs Flux, pointed at an empty repository, and starts its controllers.
    pub async fn start() -> Self {
        let mut world = Self::installed().await;
        world.run_controllers().await;
        world
    }

    /// Starts the controllers of a world that was only installed.
    pub async fn run_controllers(&mut self) {
        self.pretend_deployments().await;
        self.controllers();
    }

    /// Seeds the branch from the working copy and waits as `up` does, for some seconds at most.
    pub async fn up(&self, seconds: u64) -> engine::failure::Result<Snapshot> {
        let (revision, expected) = self.seed(seconds).await?;
        let contains = async |commit: &str| revision.contains(commit).await;
        let step = Events::ignored().step("up");
        flux::wait_until_ready(&self.server.client, &expected, contains, &step).await
    }

    /// The same as `gitops push` does.
    pub async fn push(&self, seconds: u64) -> engine::failure::Result<Times> {
        let (revision, expected) = self.seed(seconds).await?;
        let step = Events::ignored().step("gitops push");
        gitops::follow(&self.server.client, &self.remote.url, &revision, &expected, &step).await
    }

    async fn seed(&self, seconds: u64) -> engine::failure::Result<(Revision, Expected)> {
        let source = Source::open(&self.path("source"), &self.path("store")).await?;
        let seeded = githost::seed(&source, &self.remote, Dirty::Warn, &Events::ignored().step("seed")).await?;
        let revision = Revision::new(seeded, source.git().clone(), self.remote.clone());
        let expected = Expected {
            commit: revision.tip.clone(),
            nodes: Vec::new(),
            deadline: Duration::from_secs(seconds),
            pause: Duration::from_secs(1),
        };
        Ok((revision, expected))
    }

    /// Reads a snapshot; with `SEEDBED_RECORD=DIR` it becomes a fixture.
    pub async fn record(&self, name: &str) -> Snapshot {
        let snapshot = Reader::new(self.server.client.clone()).read(true).await.unwrap();
        if let Some(directory) = std::env::var_os("SEEDBED_RECORD") {
            let path = PathBuf::from(directory).join(format!("{name}.json"));
            std::fs::write(path, format!("{:#}\n", serde_json::to_value(&snapshot).unwrap())).unwrap();
        }
        snapshot
    }

    /// Writes the status that a kubelet would have brought about: the controllers run as plain processes here.
    async fn pretend_deployments(&self) {
        let api: Api<Deployment> = Api::namespaced(self.server.client.clone(), flux::NAMESPACE);
        for name in CONTROLLERS {
            let generation = api.get(name).await.unwrap().metadata.generation;
            let status = json!({"status": {
                "observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
            }});
            api.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
        }
    }

    /// The same without controllers.
    pub async fn installed() -> Self {
        Self::installed_with(Vec::new(), None).await
    }

    /// The same with what the user wants there before the first sync.
    pub async fn installed_with(secrets: Vec<Value>, decryption: Option<String>) -> Self {
        Self::installed_on(ApiServer::start().await, secrets, decryption).await
    }

    /// The same on an API server that runs.
    pub async fn installed_on(server: ApiServer, secrets: Vec<Value>, decryption: Option<String>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (remote, credentials, sshd) = git_host(directory.path());
        let sync = Sync {
            registry: Vec::new(),
            url: remote.url.clone(),
            branch: "main".into(),
            path: "clusters/test".into(),
            credentials,
            secrets,
            decryption,
            api: "127.0.0.1:6443".parse().unwrap(),
            webhook: Some(WEBHOOK),
            token: Some("a token".into()),
            pace: Pace::Native,
        };
        let world = Self { server, receiver: 0, remote, sync, directory, processes: vec![sshd] };
        assert_ne!(world.install().await, Vec::<String>::new());
        world
    }

    /// Installs Flux; answers what that changed.
    pub async fn install(&self) -> Vec<String> {
        let step = Events::ignored().step("install Flux");
        let (client, sync) = (&self.server.client, &self.sync);
        let changed = flux::install(client, &manifests(), sync, PATIENCE, &step).await.unwrap();
        changed.iter().map(ToString::to_string).collect()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Makes the user's working copy, which the tests change.
    pub fn repository(&self, files: &[(&str, &str)]) -> String {
        let source = self.path("source");
        std::fs::create_dir_all(&source).unwrap();
        git(&source, &["init", "--quiet", "--initial-branch=main"]);
        self.commit(files)
    }

    /// Commits files; answers the commit.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        let source = self.path("source");
        for (name, text) in files {
            let path = source.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        git(&source, &["add", "--all"]);
        git(&source, &["commit", "--quiet", "--allow-empty", "-m", "change"]);
        git(&source, &["rev-parse", "HEAD"])
    }

    fn controllers(&mut self) {
        let kubeconfig = self.path("kubeconfig");
        std::fs::write(&kubeconfig, seedbed::kube::kubeconfig("test", &self.server.url, &self.server.identity))
            .unwrap();
        let [storage, events, receiver] = free_ports();
        self.receiver = receiver;
        let storage_path = self.path("storage").display().to_string();
        std::fs::create_dir(&storage_path).unwrap();
        // A kustomize-controller that starts clears away what it takes for leftovers of its own.
        let temporary = self.path("tmp");
        std::fs::create_dir(&temporary).unwrap();
        let events_address = format!("--events-addr=http://127.0.0.1:{events}/");
        for name in CONTROLLERS {
            let own: Vec<String> = match name {
                "source-controller" => vec![
                    format!("--storage-path={storage_path}"),
                    format!("--storage-addr=127.0.0.1:{storage}"),
                    format!("--storage-adv-addr=127.0.0.1:{storage}"),
                    events_address.clone(),
                ],
                "notification-controller" => {
                    vec![format!("--events-addr=127.0.0.1:{events}"), format!("--receiverAddr=127.0.0.1:{receiver}")]
                }
                "kustomize-controller" => {
                    let secret = self.sync.decryption.as_ref().map(|secret| format!("--sops-age-secret={secret}"));
                    secret.into_iter().chain([events_address.clone()]).collect()
                }
                _ => vec![events_address.clone()],
            };
            let log = std::fs::File::create(self.path(&format!("{name}.log"))).unwrap();
            let child = Command::new(program(name))
                .args(["--watch-all-namespaces", "--enable-leader-election=false", "--log-level=info"])
                .args(["--metrics-addr=0", "--health-addr=127.0.0.1:0"])
                .args(flux::quick(name))
                .args(own)
                .env("KUBECONFIG", &kubeconfig)
                .env("TMPDIR", &temporary)
                .env("RUNTIME_NAMESPACE", flux::NAMESPACE)
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap();
            self.processes.push(child);
        }
    }

    /// The last lines of the controllers' logs, for a failing test.
    pub fn logs(&self) -> String {
        let tail = |name: &str| {
            let text = std::fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            format!("{name}:\n{}\n", lines[lines.len().saturating_sub(10)..].join("\n"))
        };
        CONTROLLERS.map(tail).concat()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in self.processes.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An sshd on loopback that serves one bare repository with one key.
fn git_host(root: &Path) -> (Remote, SecretData, Child) {
    let [port] = free_ports();
    let (host_key, key) = (root.join("host_key"), root.join("key"));
    for path in [&host_key, &key] {
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
        assert!(made.unwrap().success());
    }
    let repository = root.join("remote.git");
    std::fs::create_dir(&repository).unwrap();
    git(&repository, &["init", "--quiet", "--bare", "--initial-branch=main"]);
    let public = |path: &Path| std::fs::read_to_string(path.with_extension("pub")).unwrap();
    std::fs::write(root.join("authorized_keys"), public(&key)).unwrap();
    let configuration = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n",
        host_key.display(),
        root.join("authorized_keys").display(),
    );
    std::fs::write(root.join("sshd_config"), configuration).unwrap();
    // sshd as root wants its own directory, which only a running service has.
    let _ = std::fs::create_dir_all("/run/sshd");
    let sshd = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f"])
        .arg(root.join("sshd_config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(root.join("sshd.log")).unwrap())
        .spawn()
        .unwrap();
    let known = format!("[127.0.0.1]:{port} {}", public(&host_key));
    std::fs::write(root.join("known_hosts"), &known).unwrap();
    let user = std::env::var("USER").unwrap_or_else(|_| "root".into());
    let remote = Remote {
        url: format!("ssh://{user}@127.0.0.1:{port}{}", repository.display()),
        branch: "main".into(),
        cluster: "test".into(),
        access: Access::Key { key: key.clone(), known_hosts: root.join("known_hosts") },
        timeout: Duration::from_secs(60),
    };
    let data = [("identity", std::fs::read_to_string(&key).unwrap()), ("known_hosts", known)];
    (remote, SecretData(data.map(|(name, value)| (name.to_owned(), value)).to_vec()), sshd)
}

fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}
