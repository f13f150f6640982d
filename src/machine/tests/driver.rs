//! What needs no real hypervisor.

use engine::failure::Failure;

use super::*;
use crate::machine::{Disk, Seed};

async fn provider() -> Provider {
    Provider::open("test:///default").await.expect("seedbed-libvirt is built and libvirt is installed")
}

/// Makes what `up` makes, but the volumes' content.
async fn make(provider: &Provider, plan: &Plan) {
    provider.ensure_network(plan, plan.network.as_ref().unwrap()).await.unwrap();
    let pool = owner::pool_name(&plan.cluster, plan.id);
    provider.ensure_pool(&pool, owner::pool_uuid(plan.id)).await.unwrap();
    for node in &plan.nodes {
        let xml = definition::plain_volume(&format!("{}.seed.iso", node.name), 4096).to_string();
        provider.create_volume(&pool, xml).await.unwrap();
        define(provider, Subject::Domain, sample_domain(plan, node)).await;
        provider.run(start(node), || "start".into()).await.unwrap();
    }
}

async fn define(provider: &Provider, subject: Subject, xml: String) {
    provider.run(Action::Define { subject, xml }, || "define".into()).await.unwrap();
}

fn start(node: &NodePlan) -> Action {
    let MachinePlan::Libvirt { domain, .. } = &node.machine else { unreachable!() };
    Action::Start { subject: Subject::Domain, name: domain.clone() }
}

#[tokio::test]
async fn a_cluster_is_found_by_what_its_objects_carry_and_removed_with_nothing_else() {
    let (provider, plan) = (provider().await, sample_plan());
    let before = (provider.domains().await, provider.networks().await, provider.pools().await);
    make(&provider, &plan).await;

    let found = provider.find("demo").await.unwrap();
    assert_eq!(found.len(), 1);
    let cluster = &found[0];
    assert_eq!((cluster.id, cluster.nodes.len()), (plan.id, 2));
    assert_eq!(cluster.file.as_deref(), Some(plan.spec_file.as_path()));
    assert!(cluster.is_of("/home/me/demo".as_ref()) && !cluster.is_of("/home/me/other".as_ref()));
    let (node, planned) = (&cluster.nodes[0], &plan.nodes[0]);
    assert_eq!((&node.node, node.role), (&planned.name, Role::ControlPlane));
    assert_eq!((node.address, &node.host_key), (Some(planned.address), &planned.host_key));
    assert_eq!(node.state, DomainState::Running);
    let network = cluster.network.as_ref().unwrap();
    assert_eq!(network.range, Some(plan.network.as_ref().unwrap().range));

    let step = Events::ignored().step("down");
    let removed = provider.destroy("demo", plan.id, false, &step).await.unwrap();
    assert_eq!(removed.domains, ["demo-control-1", "demo-worker-1"]);
    assert_eq!((removed.volumes, removed.network.as_deref()), (2, Some("seedbed-demo")));
    let after = (provider.domains().await, provider.networks().await, provider.pools().await);
    assert_eq!(before, after, "nothing of anybody else's has changed");
    assert!(provider.destroy("demo", plan.id, false, &step).await.unwrap().is_empty(), "there is nothing left");
}

#[tokio::test]
async fn what_is_there_is_left_as_it_is() {
    let (provider, plan) = (provider().await, sample_plan());
    let network = plan.network.as_ref().unwrap();
    assert!(provider.ensure_network(&plan, network).await.unwrap());
    assert!(!provider.ensure_network(&plan, network).await.unwrap());
    let pool = owner::pool_name(&plan.cluster, plan.id);
    assert!(provider.ensure_pool(&pool, owner::pool_uuid(plan.id)).await.unwrap());
    assert!(!provider.ensure_pool(&pool, owner::pool_uuid(plan.id)).await.unwrap());
}

#[tokio::test]
async fn a_second_look_does_not_refuse_its_own_network() {
    let (provider, plan) = (provider().await, sample_plan());
    make(&provider, &plan).await;
    let range = plan.network.as_ref().unwrap().range;
    let own = provider.site(Some(plan.id)).await.unwrap();
    assert_eq!((own.own_network, own.own_bridge.as_deref()), (Some(range), Some("sb-demo")));
    assert!(!own.networks.contains(&range) && !own.bridges.contains(&"sb-demo".to_owned()));
    let other = provider.site(None).await.unwrap();
    assert!(own.memory_free > other.memory_free + (3 << 30), "its own machines' 4 GiB count as free");
    assert_eq!(other.own_network, None);
    assert!(other.networks.contains(&range) && other.bridges.contains(&"sb-demo".to_owned()));
}

#[tokio::test]
async fn what_a_rebuild_removes_counts_as_free() {
    let (provider, plan) = (provider().await, sample_plan());
    make(&provider, &plan).await;
    let range = plan.network.as_ref().unwrap().range;
    let site = provider.site_without(&[plan.id]).await.unwrap();
    assert_eq!((site.own_network, &site.own_bridge), (None, &None), "the next one is asked as if there were none");
    assert!(!site.networks.contains(&range) && !site.bridges.contains(&"sb-demo".to_owned()));
    provider.require_names(&plan, &[plan.id]).await.unwrap();
    let refused = provider.require_names(&plan, &[]).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Refused);
    // Also where only a machine has the name.
    let plan = Plan { network: None, ..plan };
    let refused = provider.require_names(&plan, &[]).await.unwrap_err();
    assert!(refused.to_string().contains("is not this cluster's"), "{refused}");
}

#[tokio::test]
async fn a_disk_that_a_removal_would_delete_is_seen() {
    let (provider, plan) = (provider().await, sample_plan());
    make(&provider, &plan).await;
    let pool = owner::pool_name("demo", plan.id);
    let holds = async || provider.holds_disk("demo", plan.id, "demo-control-1").await.unwrap();
    assert!(!holds().await, "there is none yet");
    provider.create_volume(&pool, definition::plain_volume("demo-control-1.qcow2", 4096).to_string()).await.unwrap();
    assert!(holds().await);
    provider.run(Action::Stop { subject: Subject::Pool, name: pool }, || "stop".into()).await.unwrap();
    assert!(holds().await, "what a pool holds that is off is not known");
    assert!(!provider.holds_disk("demo", Uuid::from_u128(7), "demo-control-1").await.unwrap(), "another's pool");
}

/// A cluster whose spec lies in a directory, with a registry.
async fn with_registry(provider: &Provider, directory: &std::path::Path) -> Plan {
    let plan = Plan { spec_file: directory.join("seedbed.yaml"), ..sample_plan() };
    make(provider, &plan).await;
    let pool = owner::pool_name("demo", plan.id);
    let path = provider.ensure_registry(&plan, &pool, 5 << 30).await.unwrap();
    assert_eq!(provider.ensure_registry(&plan, &pool, 9 << 30).await.unwrap(), path, "it is made once");
    plan
}

#[tokio::test]
async fn images_that_are_kept_are_all_that_is_left_and_are_found_again() {
    let (provider, directory) = (provider().await, tempfile::tempdir().unwrap());
    let (plan, step) = (with_registry(&provider, directory.path()).await, Events::ignored().step("down"));
    let pool = owner::pool_name("demo", plan.id);
    let removed = provider.destroy("demo", plan.id, true, &step).await.unwrap();
    assert_eq!((removed.domains.len(), removed.volumes, &removed.pool), (2, 2, &None));
    let volumes = provider.volumes(&pool).await.unwrap();
    assert_eq!(volumes.len(), 1, "{volumes:?}");
    assert_eq!(removed.kept, Some((pool.clone(), volumes[0].name.clone())));
    assert_eq!(volumes[0].capacity, 5 << 30);

    // Also in a pool that a restart of the workstation has left off.
    provider.run(Action::Stop { subject: Subject::Pool, name: pool.clone() }, || "stop".into()).await.unwrap();
    let kept = provider.kept("demo", directory.path()).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].id, &kept[0].pool, kept[0].here), (plan.id, &pool, true));
    let elsewhere = provider.kept("demo", "/home/me/other".as_ref()).await.unwrap();
    assert!(elsewhere.len() == 1 && !elsewhere[0].here, "a name is no proof");
    assert_eq!(provider.kept("dem", directory.path()).await.unwrap(), []);

    // The next cluster of the spec has the same id, and finds its volume.
    assert!(!provider.ensure_pool(&pool, owner::pool_uuid(plan.id)).await.unwrap());
    assert_eq!(provider.ensure_registry(&plan, &pool, 9 << 30).await.unwrap(), volumes[0].path);
    let removed = provider.destroy("demo", plan.id, false, &step).await.unwrap();
    assert_eq!((removed.volumes, removed.pool, removed.kept), (1, Some(pool), None));
    assert_eq!(provider.kept("demo", directory.path()).await.unwrap(), []);
}

#[tokio::test]
async fn a_volume_in_a_pool_of_another_uuid_is_not_believed() {
    let (provider, plan) = (provider().await, sample_plan());
    let name = owner::pool_name("demo", plan.id);
    define(&provider, Subject::Pool, definition::pool(&name, Uuid::from_u128(9), "/elsewhere").to_string()).await;
    provider.run(Action::Start { subject: Subject::Pool, name: name.clone() }, || "start".into()).await.unwrap();
    provider.ensure_registry(&plan, &name, 1 << 30).await.unwrap();
    assert_eq!(provider.kept("demo", "/home/me/demo".as_ref()).await.unwrap(), []);
}

#[tokio::test]
async fn without_a_registry_nothing_is_kept() {
    let (provider, plan) = (provider().await, sample_plan());
    make(&provider, &plan).await;
    let removed = provider.destroy("demo", plan.id, true, &Events::ignored().step("down")).await.unwrap();
    assert!(removed.pool.is_some() && removed.kept.is_none());
}

#[tokio::test]
async fn objects_that_only_have_the_name_are_refused_and_left() {
    let (provider, plan) = (provider().await, sample_plan());
    let theirs = Plan { id: Uuid::from_u128(7), ..sample_plan() };
    make(&provider, &theirs).await;
    let before = (provider.domains().await, provider.networks().await);

    let network = provider.ensure_network(&plan, plan.network.as_ref().unwrap()).await.unwrap_err();
    assert_eq!(network.kind, Kind::Refused);
    assert!(network.to_string().contains("seedbed-demo is not this cluster's"), "{network}");

    let ground = super::super::machines::Ground::nowhere();
    let seed = Seed::of(&plan, &plan.nodes[0], "none");
    let machine = provider.ensure(&plan, &ground, &plan.nodes[0], &seed).await.unwrap_err();
    assert_eq!(machine.kind, Kind::Refused);
    assert!(machine.causes[0].contains(&theirs.id.to_string()), "{machine}");

    // The same pool name with another cluster's UUID.
    let name = owner::pool_name("demo", plan.id);
    define(&provider, Subject::Pool, definition::pool(&name, Uuid::from_u128(9), "/elsewhere").to_string()).await;
    let pool = provider.ensure_pool(&name, owner::pool_uuid(plan.id)).await.unwrap_err();
    assert_eq!(pool.kind, Kind::Refused);

    let step = Events::ignored().step("down");
    let removed = provider.destroy("demo", plan.id, false, &step).await.unwrap();
    assert!(removed.is_empty(), "{removed:?}");
    assert_eq!(before, (provider.domains().await, provider.networks().await));
}

#[tokio::test]
async fn a_machine_that_is_off_is_started_and_differences_are_named() {
    let (provider, mut plan) = (provider().await, sample_plan());
    define(&provider, Subject::Domain, sample_domain(&plan, &plan.nodes[0])).await;
    let MachinePlan::Libvirt { memory, cpus, .. } = &mut plan.nodes[0].machine else { unreachable!() };
    (*memory, *cpus) = (4 << 30, 4);
    let ground = super::super::machines::Ground::nowhere();
    let seed = Seed::of(&plan, &plan.nodes[0], "none");
    let machine = provider.ensure(&plan, &ground, &plan.nodes[0], &seed).await.unwrap();
    assert!(machine.started && !machine.created && machine.fresh);
    assert_eq!(
        machine.differences,
        [
            "demo-control-1 has 2 CPUs and the spec says 4",
            "demo-control-1 has 2048 MiB of memory and the spec says 4096 MiB"
        ]
    );
    let again = provider.ensure(&plan, &ground, &plan.nodes[0], &seed).await.unwrap();
    assert!(!again.started && !again.created);
}

#[tokio::test]
async fn errors_are_typed_and_say_what_to_do() {
    let provider = provider().await;
    let action = Action::Start { subject: Subject::Domain, name: "nowhere".into() };
    let trouble = provider.client.ask(action).await.unwrap_err();
    assert_eq!(trouble.code(), Some(Code::Missing));
    let failure = Provider::open("qemu+unix:///system?socket=/nonexistent").await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused);
    assert!(failure.hints[0].contains("systemctl start libvirtd"), "{failure:?}");
    let session = Provider::open("qemu:///session").await.unwrap_err();
    assert!(session.hints[0].contains("qemu:///system"));
}

#[tokio::test]
async fn requests_run_side_by_side() {
    let provider = provider().await;
    let all = futures::future::join_all((0..50).map(|_| provider.domains())).await;
    assert!(all.iter().all(|domains| domains.as_ref().unwrap()[0].name == "test"));
}

#[tokio::test]
async fn a_full_pool_is_refused_with_what_frees_it() {
    let (provider, directory) = (provider().await, tempfile::tempdir().unwrap());
    provider.ensure_shared_pool().await.unwrap();
    let pools = provider.pools().await.unwrap();
    let free = pools.iter().find(|found| found.name == pool::SHARED).unwrap().available;
    let volume = |name: &str, size: u64| {
        format!("<volume><name>{name}</name><capacity>{size}</capacity><allocation>{size}</allocation></volume>")
    };
    provider.create_volume(pool::SHARED, volume("theirs", free - 4096)).await.unwrap();
    let path = directory.path().join("disk");
    std::fs::write(&path, vec![7; 2 << 20]).unwrap();
    let disk = Disk { name: "debian-13-disk".into(), path, digest: "ab".repeat(32) };
    let failure = provider.ensure_file(&disk, &Events::ignored().step("machines")).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Refused);
    assert_eq!(failure.what, "debian-13-disk needs 2 MiB in the pool seedbed-images, 0 MiB are free");
    assert!(failure.hints[0].contains("`virsh vol-list seedbed-images`"), "{failure:?}");
    assert_eq!(provider.volumes(pool::SHARED).await.unwrap().len(), 1, "nothing was begun");
    // As when another's machine takes the room meanwhile: libvirt itself says no.
    let trouble = provider.create_volume(pool::SHARED, volume("ours", 1 << 20)).await.unwrap_err();
    let failure = trouble.failure("making the machine demo-cp");
    assert_eq!(failure.kind, Kind::Refused, "{failure:?}");
    assert!(failure.hints[0].starts_with("Free space in libvirt's image directory"), "{failure:?}");
}

#[tokio::test]
async fn of_a_machine_that_never_answers_libvirt_tells_what_it_knows() {
    let (provider, plan) = (provider().await, sample_plan());
    let node = &plan.nodes[0];
    let told = async || {
        let failure = Failure::step("cannot reach control-1").cause("no answer");
        provider.diagnose(&plan, node, failure).await
    };
    let failure = told().await;
    assert_eq!(failure.causes[..2], ["no answer", "the machine demo-control-1 is not there"]);
    make(&provider, &plan).await;
    let failure = told().await;
    assert_eq!(failure.causes[..2], ["no answer", "the machine demo-control-1 is running"]);
    assert!(failure.causes[2].contains("asked for its address"), "{failure:?}");
    assert_eq!(failure.hints, ["Watch its console: `virsh console demo-control-1`."]);
    let stop = Action::Stop { subject: Subject::Domain, name: "demo-control-1".into() };
    provider.run(stop, || "stop".into()).await.unwrap();
    assert_eq!(told().await.causes[1], "the machine demo-control-1 is off");
}
