use std::net::Ipv4Addr;

use engine::failure::{Failure, Kind};
use ipnet::Ipv4Net;
use uuid::Uuid;

use super::*;
use crate::spec;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKUEPF1CklvNrZAJqOlJJDDF3uXiTRHZnpKfdVsLAp4K";

fn cluster(more: &str) -> spec::Cluster {
    let nodes = "nodes:\n- {name: worker, role: worker, count: 2}\n- {name: cp, role: control-plane}\n";
    spec::parse(&format!("cluster: dev\n{nodes}{more}"), "seedbed.yaml").unwrap()
}

fn site() -> Site {
    Site { kvm: Kvm::Works, cpus: 8, memory_free: 64 << 30, ..Site::default() }
}

fn identity() -> PublicIdentity {
    let host_keys = ["cp", "worker-1", "worker-2"].map(|name| (name.to_owned(), KEY.to_owned())).into();
    PublicIdentity { id: Uuid::from_u128(7), host_keys, user_key: format!("{KEY} seedbed"), owner: Vec::new() }
}

fn range(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn refusal(cluster: &spec::Cluster, site: &Site) -> Failure {
    make(cluster, site, &identity()).unwrap_err().remove(0)
}

#[test]
fn the_plan_is_the_same_every_time() {
    let plan = make(&cluster(""), &site(), &identity()).unwrap();
    let again = make(&cluster(""), &site(), &identity()).unwrap();
    assert_eq!(serde_json::to_string(&plan).unwrap(), serde_json::to_string(&again).unwrap());
    insta::assert_json_snapshot!(plan);
}

#[test]
fn the_text_shows_machines_addresses_overrides_and_phases() {
    let cluster = cluster(
        "gitops: {source: repository}\nmachines: {emulation: allow}\nchecks: [{name: answers, http: {service: \"apps/sample:8080\"}}]\n",
    );
    let plan = make(&cluster, &Site { kvm: Kvm::Absent, ..site() }, &PublicIdentity::not_yet()).unwrap();
    let kubelet =
        Override { name: "kubelet".into(), file: "build/kubelet".into(), sha256: "0123456789abcdef".repeat(4) };
    let extras = Extras {
        source: spec::ArtifactSource::Auto,
        artifacts: vec![kubelet],
        assets: Vec::new(),
        checks: cluster.checks.clone(),
    };
    insta::assert_snapshot!(text(&plan, &extras));
}

#[test]
fn before_the_first_up_addresses_are_the_same() {
    let before = make(&cluster(""), &site(), &PublicIdentity::not_yet()).unwrap();
    let after = make(&cluster(""), &site(), &identity()).unwrap();
    assert_eq!(before.network, after.network);
    assert_eq!(before.nodes[2].address, after.nodes[2].address);
}

#[test]
fn a_taken_range_is_avoided_and_our_own_is_kept() {
    let first = make(&cluster(""), &site(), &identity()).unwrap().network.unwrap().range;
    let taken = Site { routes: vec![range("0.0.0.0/0"), first], ..site() };
    let second = make(&cluster(""), &taken, &identity()).unwrap().network.unwrap().range;
    assert_ne!(first, second);
    let own = Site { own_network: Some(range("10.201.2.0/24")), own_bridge: Some("x".into()), ..taken };
    let third = make(&cluster(""), &own, &identity()).unwrap().network.unwrap();
    assert_eq!((third.range, third.bridge.as_str()), (range("10.201.2.0/24"), "x"));
    let ten = Site { networks: vec![range("10.0.0.0/8")], ..site() };
    let small = make(&cluster(""), &ten, &identity()).unwrap().network.unwrap().range;
    assert!(range("192.168.0.0/16").contains(&small));
    let all = Site { networks: vec![range("10.0.0.0/8"), range("192.168.0.0/16")], ..site() };
    assert_eq!(refusal(&cluster(""), &all).kind, Kind::Refused);
}

#[test]
fn a_given_range_that_is_taken_is_refused() {
    let cluster = cluster("machines: {network: 10.20.30.0/24}\n");
    let taken = Site { routes: vec![range("10.20.0.0/16")], ..site() };
    assert!(refusal(&cluster, &taken).what.contains("10.20.0.0/16"));
    let own = Site { own_network: Some(range("10.20.30.0/24")), ..taken };
    assert!(make(&cluster, &own, &identity()).is_ok());
}

#[test]
fn without_kvm_emulation_must_be_allowed() {
    let broken = Site { kvm: Kvm::Broken("no vmx".into()), ..site() };
    let failure = refusal(&cluster(""), &broken);
    assert_eq!((failure.kind, failure.causes[0].as_str()), (Kind::Refused, "no vmx"));
    assert!(failure.hints[0].contains("emulation: allow"));
    let plan = make(&cluster("machines: {emulation: allow}\n"), &broken, &identity()).unwrap();
    assert_eq!(plan.pace, Pace::Emulated);
}

#[test]
fn everything_that_stands_against_it_is_told_at_once() {
    let poor =
        Site { memory_free: 1 << 30, networks: vec![range("10.0.0.0/8"), range("192.168.0.0/16")], ..Site::default() };
    assert_eq!(make(&cluster(""), &poor, &identity()).unwrap_err().len(), 3);
}

#[test]
fn bridges_fit_interface_names() {
    let long = cluster("").name.repeat(10);
    let mut cluster = cluster("");
    let taken = Site { bridges: vec!["sb-dev".into()], ..site() };
    let bridge =
        |cluster: &spec::Cluster, site: &Site| make(cluster, site, &identity()).unwrap().network.unwrap().bridge;
    assert_eq!(bridge(&cluster, &site()), "sb-dev");
    assert_ne!(bridge(&cluster, &taken), "sb-dev");
    cluster.name = long;
    assert!(bridge(&cluster, &site()).len() <= 15);
}

#[test]
fn the_spec_hash_is_of_the_meaning() {
    let hash =
        |text: &str, file: &str| make(&spec::parse(text, file).unwrap(), &site(), &identity()).unwrap().spec_hash;
    let base = hash(
        "cluster: a\nnodes: [{name: cp, role: control-plane}]\nprovision: {playbooks: [x.yaml], variables: {a: 1, b: 2}}\n",
        "one/a.yaml",
    );
    let moved = hash(
        "# x\nprovision: {variables: {b: 2, a: 1}, playbooks: [./x.yaml]}\ncluster: a\nnodes:\n- {role: control-plane, name: cp, cpus: 2}\n",
        "two/b.yaml",
    );
    assert_eq!(base, moved);
    let other = hash(
        "cluster: a\nnodes: [{name: cp, role: control-plane}]\nprovision: {playbooks: [y.yaml], variables: {a: 1, b: 2}}\n",
        "one/a.yaml",
    );
    assert_ne!(base, other);
}

#[test]
fn edits_are_named_with_what_they_need() {
    let old = serde_json::to_value(make(&cluster("gitops: {source: a}\n"), &site(), &identity()).unwrap()).unwrap();
    let same = make(&cluster("gitops: {source: a}\n"), &site(), &identity()).unwrap();
    assert_eq!(compare(&old, &same), []);
    let text = "cluster: dev\nnodes:\n- {name: cp, role: control-plane, memory: 8GiB}\n- {name: worker-1, role: worker}\n- {name: new, role: worker}\n\
                gitops: {source: a, path: other}\n";
    let mut identity = identity();
    identity.host_keys.insert("new".into(), KEY.into());
    let new = make(&spec::parse(text, "seedbed.yaml").unwrap(), &site(), &identity).unwrap();
    let changes = compare(&old, &new);
    let told: Vec<(&str, bool)> = changes.iter().map(|change| (change.what.as_str(), change.needs_rebuild)).collect();
    assert_eq!(
        told,
        [("nodes.cp.machine.memory", true), ("nodes.worker-2", true), ("nodes.new", false), ("gitops.path", false)]
    );
    assert!(
        refuse_rebuild(&changes)
            .unwrap()
            .evidence
            .unwrap()
            .contains("nodes.cp.machine.memory: 4294967296 -> 8589934592")
    );
}

#[test]
fn a_registry_has_one_name_and_shows_where_its_images_lie() {
    let plain = make(&cluster(""), &site(), &identity()).unwrap();
    let plan = make(&cluster("registry: {embedded: {size: 5GiB}}\n"), &site(), &identity()).unwrap();
    let registry = plan.registry.clone().unwrap();
    assert_eq!((registry.name, registry.size), (format!("{}:5000", plan.nodes[0].address), Some(5 << 30)));
    let extras =
        Extras { source: spec::ArtifactSource::Auto, artifacts: Vec::new(), assets: Vec::new(), checks: Vec::new() };
    let shown = text(&plan, &extras);
    assert!(shown.contains("on cp\n  images        a volume of 5GiB of its own\n"), "{shown}");
    // A machine that is there cannot be given a disk of bits with the program in it.
    let changes = compare(&serde_json::to_value(&plain).unwrap(), &plan);
    assert!(changes.len() == 1 && changes[0].what == "registry" && changes[0].needs_rebuild, "{changes:?}");
    assert!(serde_json::to_value(&plain).unwrap().get("registry").is_none(), "who asks for none sees none");
}

proptest::proptest! {
    #[test]
    fn addresses_never_meet(second in 0_u8..255, third in 0_u8..255, count in 1_u32..150) {
        let text = format!(
            "cluster: a\nmachines: {{network: 10.{second}.{third}.0/24}}\nnodes:\n- {{name: cp, role: control-plane}}\n\
             - {{name: w, role: worker, count: {count}}}\nkubernetes: {{podNetwork: 172.16.0.0/16, serviceNetwork: 172.17.0.0/16}}\n"
        );
        let cluster = spec::parse(&text, "x.yaml").unwrap();
        let rich = Site { memory_free: u64::MAX, ..site() };
        let plan = make(&cluster, &rich, &PublicIdentity::not_yet()).unwrap();
        let network = plan.network.clone().unwrap();
        let mut addresses: Vec<Ipv4Addr> = plan.nodes.iter().map(|node| node.address).collect();
        addresses.sort();
        addresses.dedup();
        proptest::prop_assert_eq!(addresses.len(), plan.nodes.len());
        proptest::prop_assert!(addresses.iter().all(|address| network.range.contains(address)));
        proptest::prop_assert!(*addresses.last().unwrap() < network.dynamic.0 && network.gateway < addresses[0]);
        proptest::prop_assert!(network.dynamic.1 < network.load_balancer.0);
    }
}
