use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::*;

fn identity() -> Identity {
    Identity::make("demo", ["cp", "w1"]).unwrap()
}

#[test]
fn it_is_saved_for_its_owner_only_and_reads_back() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join(".seedbed/demo");
    assert_eq!(Identity::load(&state).unwrap(), None);
    let made = identity();
    made.save(&state).unwrap();
    assert_eq!(Identity::load(&state).unwrap(), Some(made));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("identity.json")), 0o600);
    assert_eq!(std::fs::read_dir(&state).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_broken_file_is_named_with_a_way_out() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("identity.json"), "{\"version\": 1,").unwrap();
    let failure = Identity::load(directory.path()).unwrap_err();
    assert!(failure.what.ends_with("identity.json does not parse"), "{failure}");
    assert!(failure.hints[0].contains("seedbed rebuild"));
}

#[test]
fn the_registrys_keys_are_made_when_they_are_first_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut identity = identity();
    assert!(identity.registry().unwrap_err().hints[0].contains("seedbed up"));
    assert!(identity.add_registry("demo").unwrap());
    let keys = identity.registry().unwrap().clone();
    assert!(!identity.add_registry("demo").unwrap());
    identity.save(directory.path()).unwrap();
    assert_eq!(Identity::load(directory.path()).unwrap().unwrap().registry, Some(keys.clone()));
    let secrets = Secrets::default();
    identity.register(&secrets);
    assert!(!secrets.mask(keys.authorization()).contains(keys.authorization().trim_start_matches("Basic ")));
}

#[test]
fn a_node_added_later_gets_a_key_and_the_others_keep_theirs() {
    let mut identity = identity();
    let before = identity.hosts["cp"].clone();
    assert!(identity.add_hosts(["cp", "w1", "w2"]).unwrap());
    assert!(!identity.add_hosts(["w2"]).unwrap());
    assert_eq!(identity.hosts["cp"], before);
    assert_eq!(identity.public().host_keys.len(), 3);
}

#[test]
fn no_private_part_passes_the_mask_or_debug() {
    let identity = identity();
    let secrets = Secrets::default();
    identity.register(&secrets);
    let text = serde_json::to_string(&identity).unwrap();
    let masked = secrets.mask(text.replace("\\n", "\n"));
    for line in identity.authorities.cluster.key.reveal().lines().filter(|line| !line.starts_with("---")) {
        assert!(!masked.contains(line));
    }
    assert!(!masked.contains(identity.encryption.reveal()));
    assert!(masked.contains(&identity.user.public), "public keys stay readable");
    let debug = format!("{identity:?}");
    assert!(!debug.contains("PRIVATE"), "{debug}");
    assert!(!debug.contains(identity.encryption.reveal()));
}

/// OpenSSL judges the chain, the purposes and the names: another implementation than the one that made them.
#[test]
fn openssl_verifies_what_the_authority_issued() {
    let identity = identity();
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let serving = identity.kubelet_serving("cp", Ipv4Addr::new(10, 45, 0, 10)).unwrap();
    put("ca.crt", &identity.authorities.cluster.certificate);
    put("other.crt", &identity.authorities.etcd.certificate);
    put("admin.crt", &identity.admin.certificate);
    put("admin.key", identity.admin.key.reveal());
    put("serving.crt", &serving.certificate);
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(directory.path()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let admin = ["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", "ca.crt", "admin.crt"];
    assert!(openssl(&admin).0);
    let serving = ["verify", "-purpose", "sslserver", "-verify_ip", "10.45.0.10", "-CAfile", "ca.crt", "serving.crt"];
    assert!(openssl(&serving).0);
    assert!(!openssl(&["verify", "-CAfile", "other.crt", "admin.crt"]).0, "another authority does not vouch for it");
    let (_, subject) = openssl(&["x509", "-in", "admin.crt", "-noout", "-subject", "-nameopt", "RFC2253"]);
    assert_eq!(subject.trim(), "subject=CN=kubernetes-admin,O=system:masters");
    let (_, of_certificate) = openssl(&["x509", "-in", "admin.crt", "-noout", "-pubkey"]);
    let (_, of_key) = openssl(&["pkey", "-in", "admin.key", "-pubout"]);
    assert_eq!(of_certificate, of_key);
}

#[test]
fn the_pin_is_what_openssl_computes() {
    let identity = identity();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("ca.crt"), &identity.authorities.cluster.certificate).unwrap();
    let script = "openssl x509 -pubkey -in ca.crt | openssl pkey -pubin -outform der | sha256sum | cut -d' ' -f1";
    let output = Command::new("sh").args(["-c", script]).current_dir(directory.path()).output().unwrap();
    let pin = identity.authorities.cluster.public_key_pin().unwrap();
    assert_eq!(pin, format!("sha256:{}", String::from_utf8_lossy(&output.stdout).trim()));
}
