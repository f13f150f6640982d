//! A real kube-apiserver over a real etcd, on loopback, with seedbed's own certificates.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use seedbed::identity::Identity;
use tempfile::TempDir;

use super::programs::program;

/// One API server for one test; both processes end with it.
pub struct ApiServer {
    pub client: kube::Client,
    pub identity: Identity,
    pub url: String,
    processes: Vec<Child>,
    directory: TempDir,
}

impl ApiServer {
    /// Starts both, and waits until the API is ready.
    pub async fn start() -> Self {
        let [port] = free_ports();
        Self::start_at(Ipv4Addr::LOCALHOST, port).await
    }

    /// The same at an address of loopback and a port.
    pub async fn start_at(address: Ipv4Addr, api_port: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_owned();
        let identity = Identity::make("test", ["node"]).unwrap();
        let [client_port, peer_port] = free_ports();
        let (etcd, peer) = (format!("http://127.0.0.1:{client_port}"), format!("http://127.0.0.1:{peer_port}"));
        let mut server = Self {
            url: seedbed::kube::server_url(address, api_port),
            client: seedbed::kube::connect(&identity, &seedbed::kube::server_url(address, api_port)).unwrap(),
            identity,
            processes: Vec::new(),
            directory,
        };
        let data = root.join("etcd").display().to_string();
        server.spawn(
            &root,
            "etcd",
            &[
                ("data-dir", &data),
                ("listen-client-urls", &etcd),
                ("advertise-client-urls", &etcd),
                ("listen-peer-urls", &peer),
                ("initial-advertise-peer-urls", &peer),
                ("initial-cluster", &format!("default={peer}")),
                ("unsafe-no-fsync", "true"),
            ],
        );
        let authorities = &server.identity.authorities;
        let names = [address.to_string(), "localhost".to_owned(), "10.96.0.1".to_owned()];
        let serving = authorities.cluster.issue_server("kube-apiserver", "seedbed", &names).unwrap();
        let put = |name: &str, text: &str| {
            let path = root.join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let authority = put("ca.crt", &authorities.cluster.certificate);
        let certificate = put("api.crt", &serving.certificate);
        let key = put("api.key", serving.key.reveal());
        // As on a control plane: what is in etcd can be looked at.
        let encryption = include_str!("../../../templates/encryption.yaml")
            .replace("{{ encryption_key }}", server.identity.encryption.reveal());
        assert!(!encryption.contains("{{"));
        let encryption = put("encryption.yaml", &encryption);
        let tokens = put("sa.key", authorities.service_account.private.reveal());
        let checks = put("sa.pub", &authorities.service_account.public);
        server.spawn(
            &root,
            "kube-apiserver",
            &[
                ("etcd-servers", &etcd),
                ("bind-address", &address.to_string()),
                ("secure-port", &api_port.to_string()),
                ("encryption-provider-config", &encryption),
                ("client-ca-file", &authority),
                ("tls-cert-file", &certificate),
                ("tls-private-key-file", &key),
                ("service-account-signing-key-file", &tokens),
                ("service-account-key-file", &checks),
                ("service-account-issuer", "https://kubernetes.default.svc"),
                ("service-cluster-ip-range", "10.96.0.0/24"),
                ("authorization-mode", "RBAC"),
                ("disable-admission-plugins", "ServiceAccount"),
                ("allow-privileged", "true"),
                ("endpoint-reconciler-type", "none"),
            ],
        );
        server.wait_ready().await;
        server
    }

    fn spawn(&mut self, root: &Path, name: &str, flags: &[(&str, &str)]) {
        let log = std::fs::File::create(root.join(format!("{name}.log"))).unwrap();
        let flags = flags.iter().map(|(flag, value)| format!("--{flag}={value}"));
        let child = Command::new(program(name))
            .args(flags)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.processes.push(child);
    }

    async fn wait_ready(&mut self) {
        let end = Instant::now() + Duration::from_secs(180);
        loop {
            let request = kube::core::Request::new("").get("readyz", &kube::api::GetParams::default()).unwrap();
            let answer = self.client.request_text(request).await;
            let Err(error) = answer else { return };
            let ended = self.processes.iter_mut().any(|child| child.try_wait().unwrap().is_some());
            assert!(!ended && Instant::now() < end, "the API server does not become ready: {error}\n{}", self.logs());
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Whether etcd's files hold some bytes.
    pub fn etcd_holds(&self, wanted: &str) -> bool {
        let mut folders = vec![self.directory.path().join("etcd")];
        let (mut found, mut files) = (false, 0);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files += 1;
                    let bytes = std::fs::read(path).unwrap();
                    found |= bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes());
                }
            }
        }
        assert!(files > 1, "etcd's files were not found");
        found
    }

    /// The last lines of both logs, for a failing test.
    pub fn logs(&self) -> String {
        let tail = |name: &str| {
            let text = std::fs::read_to_string(self.directory.path().join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(15)..].join("\n")
        };
        format!("etcd:\n{}\nkube-apiserver:\n{}", tail("etcd.log"), tail("kube-apiserver.log"))
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        for child in self.processes.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Ports that were free a moment ago: they are all held while they are chosen.
fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}
