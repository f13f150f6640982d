//! A plan to render with.

use seedbed::assets::Assets;
use seedbed::identity::Identity;
use seedbed::phase::ground::{Ground, NodeBits};
use seedbed::phase::uncut::Uncut;
use seedbed::plan::{self, Kvm, Plan, Site};
use seedbed::spec;
use tokio_util::sync::CancellationToken;

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

/// What a ground borrows.
pub struct Borrowed {
    pub plan: Plan,
    identity: Identity,
    assets: Assets,
    bits: NodeBits,
    token: CancellationToken,
    uncut: Uncut,
}

impl Borrowed {
    /// Of a spec where KVM is so.
    pub fn of(text: &str, kvm: Kvm) -> Self {
        let (identity, plan) = planned(text, kvm);
        let (token, uncut) = (CancellationToken::new(), Uncut::default());
        Self { plan, identity, assets: Assets::embedded(), bits: bits(), token, uncut }
    }

    pub fn ground(&self) -> Ground<'_> {
        let Self { plan, identity, assets, bits, token, uncut } = self;
        Ground { plan, identity, assets, bits, token, uncut }
    }
}
