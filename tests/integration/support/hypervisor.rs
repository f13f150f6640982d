//! What stands for `seedbed-libvirt` where there is no hypervisor: answers that were written beforehand.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libvirt_protocol::{Answer, Connection, Domain, DomainState, Pool};
use seedbed::identity::Identity;

/// Answers one request a line, from the file of its name.
const SCRIPT: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
while read -r line; do
    id=${line#*'"id":'}
    for name in open domains networks pools tail leases; do
        case $line in *"\"$name\""*) break ;; esac
    done
    printf '{"id":%s,"body":{"done":%s}}\n' "${id%%,*}" "$(cat "$name")"
done
"#;

/// Writes the executable, with one machine that runs and what its console says.
pub fn hypervisor(directory: &Path, cluster: &str, node: &str, identity: &Identity, console: &str) -> PathBuf {
    std::fs::create_dir(directory).unwrap();
    let put = |name: &str, answer: &Answer| {
        std::fs::write(directory.join(name), serde_json::to_string(answer).unwrap()).unwrap();
    };
    put(
        "open",
        &Answer::Connection(Connection {
            driver: "QEMU".into(),
            hostname: "here".into(),
            version: 9_000_000,
            hypervisor: 10_000_000,
            cpus: 2,
            memory: 8 << 30,
            memory_free: 4 << 30,
            capabilities: "<capabilities/>".into(),
        }),
    );
    let xml = format!(
        "<domain><metadata><seedbed:machine xmlns:seedbed='https://seedbed.dev/xmlns/1' cluster='{cluster}' id='{}' \
         spec='0' node='{node}' role='control-plane' address='127.0.0.1' host-key='ssh-ed25519 AAAA'/></metadata></domain>",
        identity.id
    );
    let name = format!("{cluster}-{node}");
    let uuid = "6a1f1b0e-5f0e-4a53-9d1c-0d9c6f3f9a11".to_owned();
    put("domains", &Answer::Domains(vec![Domain { name, uuid, state: DomainState::Running, xml }]));
    put("networks", &Answer::Networks(Vec::new()));
    let (name, uuid) = ("seedbed-images".to_owned(), "6a1f1b0e-5f0e-4a53-9d1c-0d9c6f3f9a12".to_owned());
    let pool = Pool { name, uuid, active: true, capacity: 20 << 30, available: 1 << 30, xml: "<pool/>".into() };
    put("pools", &Answer::Pools(vec![pool]));
    put("leases", &Answer::Leases(Vec::new()));
    put("tail", &Answer::Content(STANDARD.encode(console)));
    let path = directory.join("seedbed-libvirt");
    std::fs::write(&path, SCRIPT).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}
