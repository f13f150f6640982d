//! What is edited between two runs of `up` beside the spec's own lines: overrides, the user's files, variables.

use std::path::Path;
use std::process::{Command, Stdio};

const SPEC: &str = "cluster: demo
machines: {provider: existing}
nodes:
  - name: cp
    role: control-plane
    address: 127.0.0.1
    user: root
    hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKUEPF1CklvNrZAJqOlJJDDF3uXiTRHZnpKfdVsLAp4K
provision:
  playbooks: [playbooks/own.yaml]
  variables: {zone: a}
artifacts:
  source: mirror
  mirrors: {\"https://example.invalid\": \"http://127.0.0.1:1\"}
  overrides: {kubelet: ./kubelet}
";

const PLAYBOOK: &str = "- hosts: all\n  tasks:\n    - command: echo {{ zone }}\n";

fn run(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
    command.args(arguments).current_dir(directory).env("XDG_CACHE_HOME", directory.join("cache"));
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn edits_of_files_are_named_and_those_that_need_a_rebuild_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let up = || {
        let (code, _, talk) = run(directory.path(), &["up", "--until", "artifacts", "--report", "lines"]);
        (code, talk)
    };
    write("seedbed.yaml", SPEC);
    write("kubelet", "one");
    write("playbooks/own.yaml", PLAYBOOK);
    // The mirror has nothing: it ends there, with what it applies recorded.
    let (_, talk) = up();
    assert!(talk.contains("no mirror is given for") && !talk.contains("edited since"), "{talk}");
    let (_, talk) = up();
    assert!(!talk.contains("edited since"), "nothing was: {talk}");

    write("seedbed.yaml", &SPEC.replace("zone: a", "zone: secret-b"));
    write("playbooks/own.yaml", &PLAYBOOK.replace("echo", "echo -n"));
    let toml = run(directory.path(), &["assets", "copy", "templates/containerd.toml"]);
    assert_eq!(toml.0, 0, "{}", toml.2);
    let text = std::fs::read_to_string(directory.path().join("templates/containerd.toml")).unwrap();
    let (_, talk) = up();
    for (name, told) in [("playbooks/own.yaml", true), ("provision.variables.zone", true), ("containerd.toml", false)] {
        assert_eq!(talk.contains(&format!("edited since the last up: {name}: sha256 ")), told, "{name}: {talk}");
    }
    assert!(!talk.contains("secret-b"), "{talk}");
    write("templates/containerd.toml", &format!("{text}# Ours.\n"));
    let (_, talk) = up();
    assert!(talk.contains("edited since the last up: templates/containerd.toml: new, sha256 "), "{talk}");
    assert!(!talk.contains("playbooks/own.yaml"), "told once: {talk}");

    write("kubelet", "two");
    let template = run(directory.path(), &["assets", "copy", "templates/kubeadm-init.yaml"]);
    assert_eq!(template.0, 0, "{}", template.2);
    let text = std::fs::read_to_string(directory.path().join("templates/kubeadm-init.yaml")).unwrap();
    write("templates/kubeadm-init.yaml", &format!("{text}# Ours.\n"));
    let (code, talk) = up();
    assert_eq!(code, 4, "{talk}");
    for name in ["artifacts.overrides.kubelet: sha256 ", "templates/kubeadm-init.yaml: new, sha256 "] {
        assert!(talk.contains(name), "{talk}");
    }
    assert!(talk.contains("`seedbed rebuild`"), "{talk}");
    let (code, plan, _) = run(directory.path(), &["plan"]);
    assert!(code == 4 && plan.contains("edited since the last up"), "{plan}");
    assert!(plan.lines().any(|line| line.contains("overrides.kubelet") && line.ends_with("(needs `seedbed rebuild`)")));

    write("kubelet", "one");
    write("templates/kubeadm-init.yaml", &text);
    let (_, talk) = up();
    assert!(talk.contains("no mirror is given for") && !talk.contains("edited since"), "taken back: {talk}");
}
