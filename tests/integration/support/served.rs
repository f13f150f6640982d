//! The registry as a control plane serves it: its template, over TLS, with a password.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use engine::event::Events;
use seedbed::assets::Assets;
use seedbed::identity::RegistryKeys;
use seedbed::registry::{Archive, Image, Name, Pushed, Registry, push};

use super::programs::program;

static REGISTRIES: AtomicU8 = AtomicU8::new(1);

/// The registry, as a control plane serves it, at an address of its own.
pub struct Served {
    pub directory: tempfile::TempDir,
    pub address: String,
    pub keys: RegistryKeys,
    pub process: Option<std::process::Child>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Served {
    pub fn prepared() -> Self {
        let address = format!("127.78.0.{}", REGISTRIES.fetch_add(1, Ordering::Relaxed));
        let keys = RegistryKeys::make("demo").unwrap();
        let served = Self { directory: tempfile::tempdir().unwrap(), address, keys, process: None };
        let credential = served.keys.issue("cp", served.address.parse().unwrap()).unwrap();
        served.write("server.pem", &format!("{}{}", credential.certificate, credential.key.reveal()));
        served.write("htpasswd", served.keys.htpasswd.reveal());
        let template = Assets::embedded().read("templates/registry.yaml").unwrap();
        let place = served.directory.path().display();
        let config = template.text().unwrap().replace("/srv/registry/data", &format!("{place}/data"));
        let config = config.replace("/etc/seedbed/registry", &place.to_string());
        served.write("config.yaml", &config.replace(":{{ registry_port }}", &format!("{}:5000", served.address)));
        std::fs::create_dir(served.path("data")).unwrap();
        served
    }

    pub fn start() -> Self {
        let mut served = Self::prepared();
        served.run("true");
        served
    }

    /// Starts it after a command in a mount namespace of its own, and waits until it listens.
    pub fn run(&mut self, before: &str) {
        let script = format!("{before} && exec \"$0\" serve \"$1\"");
        let log = std::fs::File::create(self.path("log")).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script]).arg(program("registry")).arg(self.path("config.yaml"));
        let command = command.env("OTEL_TRACES_EXPORTER", "none").current_dir(self.directory.path());
        self.process = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect((self.address.as_str(), 5000)).is_err() {
            let log = std::fs::read_to_string(self.path("log")).unwrap();
            assert!(Instant::now() < deadline, "the registry does not listen: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn name(&self) -> String {
        format!("{}:5000", self.address)
    }

    pub fn client(&self) -> Registry {
        Registry::new(&self.name(), &self.keys).unwrap()
    }

    pub async fn push(&self, archive: &Path, name: Option<&str>) -> engine::failure::Result<Pushed> {
        let archive = Archive::open(archive)?;
        let image = Image::read(&archive, name)?;
        let name = Name::choose(name, image.name.as_deref())?;
        push(&self.client(), &image, &name, &Events::ignored().step("image push")).await
    }

    /// What anybody gets who has the authority and the password.
    pub fn get(&self, path: &str) -> Vec<u8> {
        self.write("ca.crt", &self.keys.authority.certificate);
        let accept = "Accept: application/vnd.oci.image.manifest.v1+json";
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--header", accept, "--cacert"]).arg(self.path("ca.crt"));
        curl.args(["--header", &format!("Authorization: {}", self.keys.authorization())]);
        let output = curl.arg(format!("https://{}{path}", self.name())).output().unwrap();
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}
