//! A machine that exists: a real sshd on loopback, with a file system and processes of its own.
//!
//! What is written below /etc, /opt, /srv, /usr/local, /var/lib, /var/log and /run goes with it. It has no systemd:
//! `systemctl` there notes what it is told.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

pub struct Machine {
    directory: tempfile::TempDir,
    pub address: String,
    pub port: u16,
    /// The public host key.
    pub host_key: String,
    process: Child,
}

static MACHINES: AtomicU8 = AtomicU8::new(1);

const BOOT: &str = r#"set -e
cp -a /etc "$0/etc"; mount --bind "$0/etc" /etc
for folder in /opt /srv /usr/local /var/lib /var/log /run; do mount -t tmpfs none "$folder"; done
mkdir -p /run/sshd /usr/local/bin /usr/local/lib
cat >/usr/local/bin/systemctl <<'END'
#!/bin/sh
echo "$*" >>/run/systemctl.log
case $1 in is-active) exit 3 ;; esac
END
chmod 755 /usr/local/bin/systemctl
userdel git 2>/dev/null || true
# The tester's own shell start-up is no part of it.
mkdir /run/root; sed -i '/^root:/s#:/root:#:/run/root:#' /etc/passwd
exec /usr/sbin/sshd -D -e -f "$0/sshd_config"
"#;

impl Machine {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        for name in ["host_key", "user_key"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(file(name));
            assert!(keygen.status().unwrap().success());
        }
        let host_key = std::fs::read_to_string(file("host_key.pub")).unwrap();
        let host_key = host_key.split(' ').take(2).collect::<Vec<_>>().join(" ");
        // A spec names no address twice.
        let address = format!("127.77.0.{}", MACHINES.fetch_add(1, Ordering::Relaxed));
        let port = std::net::TcpListener::bind((address.as_str(), 0)).unwrap().local_addr().unwrap().port();
        let place = directory.path().display();
        let config = format!(
            "ListenAddress {address}\nPort {port}\nHostKey {place}/host_key\nAuthorizedKeysFile {place}/user_key.pub\n\
             PidFile none\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n\
             SetEnv PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        );
        std::fs::write(file("sshd_config"), config).unwrap();
        let log = std::fs::File::create(file("sshd.log")).unwrap();
        // sshd forks sessions away from its process: with its namespace, all of them end.
        let process = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", BOOT])
            .arg(directory.path())
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { directory, address, port, host_key, process }
    }

    /// The private key that logs in as root.
    pub fn key(&self) -> PathBuf {
        self.directory.path().join("user_key")
    }

    /// How a spec names it.
    pub fn node(&self, name: &str, role: &str) -> String {
        let (port, key, host_key) = (self.port, self.key(), &self.host_key);
        format!(
            "  - {{name: {name}, role: {role}, address: {}, port: {port}, user: root, \
             key: {}, hostKey: {host_key}}}\n",
            self.address,
            key.display()
        )
    }

    /// Runs a script there as root, and answers what it prints.
    pub fn run(&self, script: &str) -> String {
        for _ in 0..100 {
            let output = self.ssh(script);
            let talk = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.code() == Some(255) && talk.contains("onnection refused") {
                std::thread::sleep(std::time::Duration::from_millis(100));
                continue;
            }
            assert!(output.status.success(), "{script}: {talk}");
            return String::from_utf8(output.stdout).unwrap();
        }
        panic!("{}", std::fs::read_to_string(self.directory.path().join("sshd.log")).unwrap());
    }

    fn ssh(&self, script: &str) -> std::process::Output {
        let port = self.port.to_string();
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
        command.args(["-o", "LogLevel=ERROR", "-p", &port, "-i"]).arg(self.key());
        command.args([&format!("root@{}", self.address), script]).stdin(Stdio::null()).output().unwrap()
    }

    /// Everything that a cluster could have left or taken.
    pub fn listing(&self) -> String {
        self.run(
            "cd /; find etc opt srv usr/local var/lib var/log | sort; cat etc/hosts etc/fstab etc/passwd; \
             cat usr/local/bin/kubectl etc/crictl.yaml 2>/dev/null; true",
        )
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
