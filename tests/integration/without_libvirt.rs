//! `--help`, `doctor` and `validate` in a root that has neither libvirt nor anything else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A root with seedbed, its executable for libvirt without the library, and what the loader needs.
fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let seedbed = Path::new(env!("CARGO_BIN_EXE_seedbed"));
    let helper = seedbed.with_file_name("seedbed-libvirt");
    assert!(helper.is_file(), "{} is not built: cargo build --workspace", helper.display());
    let into = |from: &Path, to: &Path| {
        let to = root.path().join(to.strip_prefix("/").unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    };
    into(seedbed, Path::new("/bin/seedbed"));
    into(&helper, Path::new("/bin/seedbed-libvirt"));
    for library in libraries(seedbed) {
        into(&library, &library);
    }
    fs::create_dir_all(root.path().join("work")).unwrap();
    fs::write(root.path().join("work/seedbed.yaml"), "cluster: demo\nnodes: [{name: cp, role: control-plane}]\n")
        .unwrap();
    // An empty file does for what is only read.
    fs::create_dir_all(root.path().join("dev")).unwrap();
    fs::write(root.path().join("dev/null"), "").unwrap();
    fs::create_dir_all(root.path().join("etc")).unwrap();
    fs::write(root.path().join("etc/os-release"), "ID=debian\n").unwrap();
    root
}

fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("libvirt"), "seedbed links libvirt:\n{text}");
    text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

fn run(root: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    // A user namespace lets anyone change their root.
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--root"])
        .arg(root)
        .args(["--wd", "/work", "/bin/seedbed"])
        .args(arguments)
        .env_clear()
        .env("PATH", "/bin")
        .env("HOME", "/work")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_needs_no_machine_works_without_libvirt() {
    let root = root();
    let (code, help, talk) = run(root.path(), &["--help"]);
    assert_eq!((code, talk.as_str()), (Some(0), ""));
    assert!(help.contains("Usage: seedbed"));

    let (code, doctor, talk) = run(root.path(), &["doctor"]);
    assert_eq!((code, talk.as_str()), (Some(4), ""), "{doctor}");
    for wanted in ["libvirt.so.0", "not installed", "apt-get install", "libvirt-daemon-system", "qemu-system-x86"] {
        assert!(doctor.contains(wanted), "{wanted} is not in\n{doctor}");
    }

    let (code, _, talk) = run(root.path(), &["validate", "--offline"]);
    assert_eq!(code, Some(0), "{talk}");
    let (code, _, talk) = run(root.path(), &["validate"]);
    assert_eq!(code, Some(4), "{talk}");
    assert!(talk.contains("libvirt"), "{talk}");
}
