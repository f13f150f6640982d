//! Makes machines: what exists is looked at, what is missing is made.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::event::Step;
use engine::failure::{Failure, Result};
use libvirt_protocol::{Action, Code, Domain, DomainState, Subject};
use roxmltree::Document;
use uuid::Uuid;

use super::definition::{self, Boot, Connected, DomainParts};
use super::image::{Disk, Format, Image};
use super::provider::Provider;
use super::seed::{Addressing, Seed};
use super::{owner, pool};
use crate::plan::{MachinePlan, NetworkPlan, NodePlan, Plan};

/// What all machines of a cluster stand on. Paths are those of the hypervisor.
#[derive(Clone, Debug)]
pub struct Ground {
    disk: String,
    format: Format,
    kernel: Option<(String, String)>,
    arguments: String,
    bits: Option<String>,
    /// The volume of the registry, which the first control plane serves.
    registry: Option<String>,
    pool: String,
}

#[cfg(test)]
impl Ground {
    /// Where no machine can be made, only looked at.
    pub fn nowhere() -> Self {
        let none = String::new;
        Self {
            disk: none(),
            format: Format::Raw,
            kernel: None,
            arguments: none(),
            bits: None,
            registry: None,
            pool: none(),
        }
    }
}

/// A machine that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    pub domain: String,
    /// Whether this call made it.
    pub created: bool,
    /// Whether its seed is still attached: only then may its host key and its user still be on the way.
    pub fresh: bool,
    /// Whether this call started it.
    pub started: bool,
    /// What differs from the spec and only `rebuild` alters, one sentence each.
    pub differences: Vec<String>,
}

/// A libvirt machine's plan, taken apart.
struct Wanted<'a> {
    domain: &'a str,
    uuid: Uuid,
    mac: &'a str,
    cpus: u32,
    memory: u64,
    disk: u64,
}

impl Wanted<'_> {
    fn of(node: &NodePlan) -> Result<Wanted<'_>> {
        match &node.machine {
            MachinePlan::Libvirt { domain, uuid, mac, cpus, memory, disk, .. } => {
                Ok(Wanted { domain, uuid: *uuid, mac, cpus: *cpus, memory: *memory, disk: *disk })
            }
            MachinePlan::Existing { .. } => {
                Err(Failure::other(format!("{} exists, libvirt does not make it", node.name)))
            }
        }
    }
}

impl Provider {
    /// Makes what the machines share: the network, the pools, and the images and bits in them.
    pub async fn prepare(&self, plan: &Plan, image: &Image, bits: Option<&Disk>, step: &Step) -> Result<Ground> {
        // The network is first: it carries the cluster's id, by which `down` finds everything else.
        if let Some(network) = &plan.network {
            self.ensure_network(plan, network).await?;
        }
        let pool = owner::pool_name(&plan.cluster, plan.id);
        self.ensure_pool(&pool, owner::pool_uuid(plan.id)).await?;
        self.ensure_shared_pool().await?;
        let registry = match plan.registry.as_ref().and_then(|registry| registry.size) {
            Some(size) => Some(self.ensure_registry(plan, &pool, size).await?),
            None => None,
        };
        let kernel = async {
            let Some((kernel, initrd)) = &image.kernel else { return Ok(None) };
            futures::try_join!(self.ensure_file(kernel, step), self.ensure_file(initrd, step)).map(Some)
        };
        let bits = async {
            let Some(bits) = bits else { return Ok(None) };
            self.ensure_file(bits, step).await.map(Some)
        };
        let (disk, kernel, bits) = futures::try_join!(self.ensure_file(&image.disk, step), kernel, bits)?;
        Ok(Ground { disk, format: image.format, kernel, arguments: image.arguments.clone(), bits, registry, pool })
    }

    /// Refuses machines that could not be reached from here: before anything is fetched or made.
    pub fn require_reach(&self, plan: &Plan) -> Result<()> {
        let nat = plan.network.as_ref().is_some_and(|network| network.name.is_some());
        if self.is_local() || !nat {
            return Ok(());
        }
        Err(Failure::refused(format!("machines in a NAT network at {} cannot be reached from here, not yet", self.uri))
            .hint("Run seedbed on that machine, or use a bridge: `network: {bridge: NAME, addresses: CIDR}`."))
    }

    /// Makes a machine unless it is there, and starts it unless it runs.
    pub async fn ensure(&self, plan: &Plan, ground: &Ground, node: &NodePlan, seed: &Seed<'_>) -> Result<Machine> {
        let wanted = Wanted::of(node)?;
        let name = wanted.domain;
        let domains = self.domains().await?;
        let found = domains.iter().find(|domain| domain.name == name || domain.uuid == wanted.uuid.to_string());
        let mut machine = Machine {
            domain: name.to_owned(),
            created: found.is_none(),
            fresh: found.is_none_or(|domain| domain.xml.contains(&seed_volume(&domain.name))),
            started: false,
            differences: Vec::new(),
        };
        if let Some(domain) = found {
            own(&[plan.id], domain)?;
            machine.differences = differences(&wanted, ground, domain);
        } else {
            self.make(plan, ground, node, &wanted, seed).await?;
        }
        match found.map(|domain| domain.state) {
            Some(DomainState::Running) => {}
            Some(state @ (DomainState::Paused | DomainState::ShuttingDown)) => {
                return Err(Failure::step(format!("the machine {name} is {}", super::diagnosis::word(state)))
                    .hint(format!("See why: `virsh domstate --reason {name}`; then `virsh resume {name}` or `virsh destroy {name}`.")));
            }
            _ => {
                let start = Action::Start { subject: Subject::Domain, name: name.to_owned() };
                self.run(start, || format!("starting the machine {name}")).await?;
                machine.started = true;
            }
        }
        Ok(machine)
    }

    async fn make(
        &self,
        plan: &Plan,
        ground: &Ground,
        node: &NodePlan,
        wanted: &Wanted<'_>,
        seed: &Seed<'_>,
    ) -> Result<()> {
        let name = wanted.domain;
        let what = || format!("making the machine {name}");
        let pool = &ground.pool;
        let (disk, seed_name) = (disk_volume(name), seed_volume(name));
        // Without a domain, these can only be what an interrupted run left.
        for volume in [&disk, &seed_name] {
            let delete = Action::DeleteVolume { pool: pool.clone(), volume: volume.clone() };
            self.run_unless(delete, &[Code::Missing], what).await?;
        }
        let overlay = definition::overlay(&disk, wanted.disk, &ground.disk, ground.format).to_string();
        let disk = self.create_volume(pool, overlay).await.map_err(|trouble| trouble.failure(what()))?;
        let (connected, addressing) = connection(plan.network.as_ref(), node);
        let content = seed.image(wanted.uuid, wanted.mac, addressing);
        let xml = definition::plain_volume(&seed_name, content.len() as u64).to_string();
        let seed = self.create_volume(pool, xml).await.map_err(|trouble| trouble.failure(what()))?;
        let content = BASE64_STANDARD.encode(content);
        self.run(Action::Write { pool: pool.clone(), volume: seed_name, content }, what).await?;
        let kernel = ground.kernel.as_ref();
        let console = format!("{}/{}", pool::path(pool), super::diagnosis::console_name(name));
        let parts = DomainParts {
            name,
            uuid: wanted.uuid,
            mac: wanted.mac,
            cpus: wanted.cpus,
            memory: wanted.memory,
            disk: &disk.path,
            seed: &seed.path,
            bits: ground.bits.as_deref(),
            registry: ground.registry.as_deref().filter(|_| node.name == plan.first_control_plane().name),
            console: &console,
            steady_clock: self.steady_clock(),
            boot: kernel.map(|(kernel, initrd)| Boot { kernel, initrd, arguments: &ground.arguments }),
            connected,
        };
        let xml = definition::domain(plan, node, &parts).to_string();
        self.run(Action::Define { subject: Subject::Domain, xml }, what).await
    }

    /// Takes the seed, which holds the private host key, away from a machine that has booted from it.
    /// Answers whether anything was altered.
    pub async fn detach_seed(&self, plan: &Plan, node: &NodePlan) -> Result<bool> {
        let name = Wanted::of(node)?.domain;
        let pool = owner::pool_name(&plan.cluster, plan.id);
        let seed = seed_volume(name);
        let volumes = self.volumes(&pool).await?;
        let Some(volume) = volumes.iter().find(|volume| volume.name == seed) else { return Ok(false) };
        let what = || format!("detaching the seed of {name}");
        let xml = definition::seed_disk(&volume.path).to_string();
        self.run_unless(Action::DetachDevice { domain: name.to_owned(), xml }, &[Code::Missing], what).await?;
        self.run(Action::DeleteVolume { pool, volume: seed }, what).await?;
        Ok(true)
    }
}

/// The name of a machine's disk in its cluster's pool.
pub fn disk_volume(domain: &str) -> String {
    format!("{domain}.qcow2")
}

fn seed_volume(domain: &str) -> String {
    format!("{domain}.seed.iso")
}

fn connection<'a>(network: Option<&'a NetworkPlan>, node: &NodePlan) -> (Connected<'a>, Addressing) {
    match network {
        None => (Connected::Network("default"), Addressing::Dhcp),
        Some(NetworkPlan { name: Some(name), .. }) => (Connected::Network(name), Addressing::Dhcp),
        Some(NetworkPlan { bridge, range, gateway, .. }) => {
            (Connected::Bridge(bridge), Addressing::Static { address: node.address, range: *range, gateway: *gateway })
        }
    }
}

/// Refuses a domain that only has the name or the UUID.
pub(super) fn own(ids: &[Uuid], domain: &Domain) -> Result<()> {
    let why = match owner::mark_of(&domain.xml) {
        Some(mark) if ids.contains(&mark.id) => return Ok(()),
        Some(mark) => format!("it belongs to the cluster {} with the id {}", mark.cluster, mark.id),
        None => "seedbed did not make it".into(),
    };
    Err(Failure::refused(format!("the machine {} is not this cluster's", domain.name))
        .cause(why)
        .hint(format!("Look at it: `virsh dumpxml {}`. seedbed never alters what it did not make.", domain.name))
        .hint("Name the cluster or the node differently."))
}

/// What the spec has altered since the machine was made.
fn differences(wanted: &Wanted<'_>, ground: &Ground, domain: &Domain) -> Vec<String> {
    let mut differences = Vec::new();
    let cpus = field(&domain.xml, "vcpu");
    if let Some(cpus) = cpus.filter(|cpus| *cpus != u64::from(wanted.cpus)) {
        differences.push(format!("{} has {cpus} CPUs and the spec says {}", wanted.domain, wanted.cpus));
    }
    if let Some(memory) = memory(&domain.xml).filter(|memory| *memory != wanted.memory) {
        let (has, says) = (memory >> 20, wanted.memory >> 20);
        differences.push(format!("{} has {has} MiB of memory and the spec says {says} MiB", wanted.domain));
    }
    if ground.bits.as_ref().is_some_and(|path| !domain.xml.contains(&format!("'{path}'"))) {
        differences.push(format!("{} has the disk with the bits of an earlier run", wanted.domain));
    }
    differences
}

/// Reads a domain's memory, in bytes. Libvirt always writes kibibytes.
pub fn memory(xml: &str) -> Option<u64> {
    field(xml, "memory").map(|kibibytes| kibibytes * 1024)
}

/// Reads a number directly under the document's root.
fn field(xml: &str, name: &str) -> Option<u64> {
    let document = Document::parse(xml).ok()?;
    let node = document.root_element().children().find(|node| node.has_tag_name(name))?;
    node.text()?.trim().parse().ok()
}
