//! A plan to render with.

use seedbed::identity::Identity;
use seedbed::phase::ground::NodeBits;
use seedbed::plan::{self, Kvm, Plan, Site};
use seedbed::spec;

/// Two nodes, and extras for kubeadm.
pub const SPEC: &str = "
cluster: demo
machines:
  emulation: allow
nodes:
  - {name: cp, role: control-plane}
  - {name: worker, role: worker}
kubernetes:
  kubeadm:
    apiServer:
      extraArgs:
        - {name: v, value: \"2\"}
      certSANs: [api.example.com]
";

/// References as the catalog has them.
pub fn bits() -> NodeBits {
    let images = [
        ("etcd", "registry.k8s.io/etcd:3.6.5"),
        ("coredns", "registry.k8s.io/coredns/coredns:v1.14.6"),
        ("pause", "registry.k8s.io/pause:3.10.2"),
        ("flannel", "ghcr.io/flannel-io/flannel:v0.26.7"),
    ];
    NodeBits { images: images.map(|(name, reference)| (name.to_owned(), reference.to_owned())).into(), files: vec![] }
}

/// Plans a spec where KVM is so.
pub fn planned(text: &str, kvm: Kvm) -> (Identity, Plan) {
    let cluster = spec::parse(text, "seedbed.yaml").unwrap();
    let identity = Identity::make("demo", ["cp", "worker"]).unwrap();
    let site = Site { kvm, ..Site::default() };
    let plan = plan::make(&cluster, &site, &identity.public()).unwrap();
    (identity, plan)
}
