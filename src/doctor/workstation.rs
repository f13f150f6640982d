//! What is read of the workstation; nothing is altered.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Distribution;
use crate::plan::Kvm;

/// The facts that [`super::checks`] decides on.
#[derive(Clone, Debug)]
pub struct Workstation {
    pub distribution: Distribution,
    pub user: String,
    /// Whether systemd runs here, so that services are started through it.
    pub systemd: bool,
    /// Programs that are there, by name.
    pub programs: BTreeMap<&'static str, PathBuf>,
    /// Go's version, major and minor.
    pub go: Option<(u32, u32)>,
    /// Whether C programs can be linked statically.
    pub static_libc: bool,
    pub helper: Helper,
    pub daemon: Daemon,
    pub kvm: Kvm,
    /// Bytes.
    pub memory_free: u64,
    /// Where artifacts are kept, and the bytes free there.
    pub cache: (PathBuf, u64),
    /// Where disks are kept, and the bytes free there.
    pub pools: (PathBuf, u64),
}

/// The executable that links libvirt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Helper {
    Starts,
    /// It is not beside seedbed.
    Absent,
    /// It does not start: the loader's message.
    Fails(String),
}

/// The libvirt daemon of `qemu:///system`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Daemon {
    Answers(PathBuf),
    /// There is a socket, and this user may not use it.
    Denied(PathBuf),
    /// There is a socket, and nobody listens.
    Dead(PathBuf),
    Absent,
}

const PROGRAMS: [&str; 14] = [
    "qemu-system-x86_64",
    "qemu-system-aarch64",
    "qemu-img",
    "libvirtd",
    "virtqemud",
    "dnsmasq",
    "git",
    "ssh",
    "go",
    "gcc",
    "mmdebstrap",
    "newuidmap",
    "mke2fs",
    "kubectl",
];

impl Workstation {
    /// Looks around, within a second or two.
    pub fn look(kvm: Kvm) -> Self {
        let programs: BTreeMap<_, _> = PROGRAMS.into_iter().filter_map(|name| Some((name, find(name)?))).collect();
        let cache =
            directories::BaseDirs::new().map_or_else(std::env::temp_dir, |base| base.cache_dir().join("seedbed"));
        let pools = PathBuf::from("/var/lib/libvirt/images");
        Self {
            distribution: Distribution::look(),
            user: std::env::var("USER").unwrap_or_else(|_| "$USER".into()),
            systemd: Path::new("/run/systemd/system").is_dir(),
            go: programs.get("go").and_then(|go| go_version(go)),
            static_libc: programs.get("gcc").is_some_and(|gcc| has_static_libc(gcc)),
            programs,
            helper: helper(),
            daemon: daemon(),
            kvm,
            memory_free: memory_free(),
            cache: (cache.clone(), free(&cache)),
            pools: (pools.clone(), free(&pools)),
        }
    }

    pub fn has(&self, program: &str) -> bool {
        self.programs.contains_key(program)
    }
}

/// Finds a program in PATH, or where daemons lie, which is not in everyone's PATH.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(usual)
        .map(|directory| directory.join(name))
        .find(|file| std::fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0))
}

fn go_version(go: &Path) -> Option<(u32, u32)> {
    // Otherwise Go may download the toolchain that a go.mod nearby names.
    let output = Command::new(go).arg("version").env("GOTOOLCHAIN", "local").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut parts = text.split_whitespace().nth(2)?.strip_prefix("go")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn has_static_libc(gcc: &Path) -> bool {
    // gcc prints a bare name for a file that it does not find.
    let output = Command::new(gcc).arg("-print-file-name=libc.a").stdin(Stdio::null()).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_absolute())
}

/// Starts the helper with nothing to do: it ends at once, or the loader says what is missing.
fn helper() -> Helper {
    let Ok(program) = crate::machine::executable() else { return Helper::Absent };
    match Command::new(program).stdin(Stdio::null()).stdout(Stdio::null()).output() {
        Ok(output) if output.status.success() => Helper::Starts,
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            Helper::Fails(text.lines().next().unwrap_or("it ended with a failure").to_owned())
        }
        Err(error) => Helper::Fails(error.to_string()),
    }
}

fn daemon() -> Daemon {
    let mut found = Daemon::Absent;
    for socket in ["/run/libvirt/virtqemud-sock", "/run/libvirt/libvirt-sock"].map(PathBuf::from) {
        match UnixStream::connect(&socket) {
            Ok(_) => return Daemon::Answers(socket),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if error.kind() == ErrorKind::PermissionDenied => found = Daemon::Denied(socket),
            Err(_) if found == Daemon::Absent => found = Daemon::Dead(socket),
            Err(_) => {}
        }
    }
    found
}

/// Bytes free for this user where a path is, or will be.
fn free(path: &Path) -> u64 {
    let there = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    nix::sys::statvfs::statvfs(there).map_or(0, |stat| stat.blocks_available() * stat.fragment_size())
}

fn memory_free() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}
