//! The rendered configuration, judged by the real kubeadm.

use std::process::Command;

use engine::event::Events;
use seedbed::phase::kubernetes::{Token, config};
use seedbed::plan::Kvm;

use crate::support::planned::{Borrowed, SPEC};
use crate::support::programs::program;

/// kubeadm's strict decoding knows every field; a wrong one is an error.
fn validate(text: &str) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kubeadm.yaml");
    std::fs::write(&path, text).unwrap();
    let output = Command::new(program("kubeadm")).args(["config", "validate", "--config"]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
}

#[test]
fn kubeadm_accepts_what_is_rendered() {
    let step = Events::ignored().step("test");
    for kvm in [Kvm::Works, Kvm::Absent] {
        let borrowed = Borrowed::of(SPEC, kvm);
        let ground = borrowed.ground();
        let token = Token::make(&step);
        validate(&config::init(&ground, &ground.plan.nodes[0], &token).unwrap());
        validate(&config::join(&ground, &ground.plan.nodes[1], &token).unwrap());
    }
}

#[test]
fn the_slow_settings_are_for_emulated_nodes_only() {
    let step = Events::ignored().step("test");
    let render = |kvm| {
        let borrowed = Borrowed::of(SPEC, kvm);
        let ground = borrowed.ground();
        config::init(&ground, &ground.plan.nodes[0], &Token::make(&step)).unwrap()
    };
    let (slow, fast) = (render(Kvm::Absent), render(Kvm::Works));
    for setting in
        ["unsafe-no-fsync", "leader-elect", "node-monitor-grace-period", "nodeLeaseDurationSeconds: 200", "/patches"]
    {
        assert!(slow.contains(setting), "{setting}\n{slow}");
        assert!(!fast.contains(setting), "{setting}\n{fast}");
    }
    for setting in ["api.example.com", "127.0.0.1", "api.demo.seedbed.internal:6443", "imageTag: \"3.6.5\"", "v1.14.6"]
    {
        assert!(fast.contains(setting), "{setting}\n{fast}");
    }
}

#[test]
fn a_cluster_of_one_node_has_no_taint() {
    let step = Events::ignored().step("test");
    let text = "cluster: demo\nnodes:\n  - {name: cp, role: control-plane}\n";
    let borrowed = Borrowed::of(text, Kvm::Works);
    let ground = borrowed.ground();
    let rendered = config::init(&ground, &ground.plan.nodes[0], &Token::make(&step)).unwrap();
    assert!(rendered.contains("taints: []"), "{rendered}");
    validate(&rendered);
}

/// The kubelet refuses a whole manifest for one probe without a handler, which a patch of an absent probe makes.
#[test]
fn the_patches_fit_the_manifests_that_kubeadm_writes() {
    let directory = tempfile::tempdir().unwrap();
    let borrowed = Borrowed::of(SPEC, Kvm::Absent);
    let ground = borrowed.ground();
    let components = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"];
    for component in components {
        let variables = [("item".to_owned(), component.into())].into_iter().collect();
        let patch = ground.render("static-pod-patch.yaml", variables).unwrap();
        std::fs::write(directory.path().join(format!("{component}+strategic.yaml")), patch).unwrap();
    }
    let patches = directory.path().display().to_string();
    let token = Token::make(&Events::ignored().step("test"));
    let text = config::init(&ground, &ground.plan.nodes[0], &token).unwrap();
    let path = directory.path().join("kubeadm.yaml");
    std::fs::write(&path, text.replace("/etc/kubernetes/seedbed/patches", &patches)).unwrap();
    let written = tempfile::tempdir().unwrap();
    for phase in [["control-plane", "all"], ["etcd", "local"]] {
        let output = Command::new(program("kubeadm"))
            .args(["init", "phase"])
            .args(phase)
            .args(["--dry-run", "--config"])
            .arg(&path)
            .env("KUBEADM_INIT_DRYRUN_DIR", written.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for component in components {
        let text = std::fs::read_to_string(written.path().join(format!("{component}.yaml"))).unwrap();
        let pod: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["livenessProbe"]["failureThreshold"], 30, "{text}");
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            let probe = &container[probe];
            assert!(probe.is_null() || probe["httpGet"].is_object(), "{text}");
        }
    }
}
