//! Where the programs under test lie.

use std::path::PathBuf;

/// Finds a program of the cluster (`kubeadm`, `kube-apiserver`, `etcd`).
///
/// `SEEDBED_TEST_BINARIES` names directories, separated by colons; `make test` sets it to what
/// `seedbed artifacts fetch` brought. A missing program is a failure, never a test that passes unrun.
pub fn program(name: &str) -> PathBuf {
    let listed = std::env::var("SEEDBED_TEST_BINARIES").unwrap_or_default();
    let built = format!("{}/target/test-programs", env!("CARGO_MANIFEST_DIR"));
    let found = listed
        .split(':')
        .filter(|part| !part.is_empty())
        .chain([built.as_str()])
        .map(|directory| PathBuf::from(directory).join(name));
    let mut found = found.filter(|path| path.is_file());
    found.next().unwrap_or_else(|| {
        panic!(
            "the program {name} is in none of SEEDBED_TEST_BINARIES={listed:?} and {built}; `make test` brings it there"
        )
    })
}

/// Reads a manifest of the catalog (`source-controller-crds`), which lies beside the programs as `NAME.yaml`.
pub fn manifest(name: &str) -> String {
    let path = program(&format!("{name}.yaml"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
