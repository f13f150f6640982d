//! The domain of a machine.

use uuid::Uuid;

use crate::machine::image::Format;
use crate::machine::owner;
use crate::machine::xml::{Element, element};
use crate::plan::{NodePlan, Pace, Plan};

/// What a domain is put together from, beside plan and node.
#[derive(Clone, Debug)]
pub struct DomainParts<'a> {
    pub name: &'a str,
    pub uuid: Uuid,
    pub mac: &'a str,
    pub cpus: u32,
    /// Bytes.
    pub memory: u64,
    /// Paths as the hypervisor sees them.
    pub disk: &'a str,
    pub seed: &'a str,
    pub bits: Option<&'a str>,
    /// The volume of the registry, where the machine serves it.
    pub registry: Option<&'a str>,
    pub console: &'a str,
    pub boot: Option<Boot<'a>>,
    /// Whether the time stamp counters of the hypervisor's machine can be trusted.
    pub steady_clock: bool,
    pub connected: Connected<'a>,
}

/// A kernel that is booted directly.
#[derive(Clone, Copy, Debug)]
pub struct Boot<'a> {
    pub kernel: &'a str,
    pub initrd: &'a str,
    pub arguments: &'a str,
}

/// What the machine's interface is connected to.
#[derive(Clone, Copy, Debug)]
pub enum Connected<'a> {
    Network(&'a str),
    Bridge(&'a str),
}

pub fn domain(plan: &Plan, node: &NodePlan, parts: &DomainParts<'_>) -> Element {
    let emulated = plan.pace == Pace::Emulated;
    element("domain")
        .set("type", if emulated { "qemu" } else { "kvm" })
        .with(element("name").text(parts.name))
        .with(element("uuid").text(parts.uuid))
        .with(owner::of_domain(plan, node))
        .with(element("memory").set("unit", "KiB").text(parts.memory / 1024))
        .with(element("vcpu").text(parts.cpus))
        .with(boot(parts, emulated))
        .with(element("features").with(element("acpi")).with(element("apic")))
        .with(cpu(parts.cpus, emulated))
        .with(element("clock").set("offset", "utc"))
        .with(element("on_crash").text("restart"))
        .with(devices(parts, emulated))
}

fn cpu(cpus: u32, emulated: bool) -> Element {
    // All in one socket: a kernel that sees two does not trust their time stamp counters, and then every look
    // at the clock is a slow one.
    let topology = element("topology").set("sockets", 1).set("cores", cpus).set("threads", 1);
    if !emulated {
        return element("cpu").set("mode", "host-passthrough").with(topology);
    }
    // QEMU 7.2 corrupts EFLAGS with all that `maximum` offers, and kernels die of double faults within a minute.
    // SandyBridge is x86-64-v2 with AES and AVX, which Go wants before it uses SHA instructions: with both, an image is
    // imported in less than half the time. (An older model has too few CPUID leaves: the kernel then disables XSAVE,
    // and AVX with it.) AVX2 would cost emulated code more than it saves. The timer is one that emulation lacks.
    let model = element("model").set("fallback", "forbid").text("SandyBridge");
    let cpu = element("cpu").set("mode", "custom").set("match", "exact").set("check", "none");
    let features = [("require", "sha-ni"), ("disable", "tsc-deadline")];
    let features = features.map(|(policy, name)| element("feature").set("policy", policy).set("name", name));
    features.into_iter().fold(cpu.with(model).with(topology), Element::with)
}

fn boot(parts: &DomainParts<'_>, emulated: bool) -> Element {
    let os = element("os").with(element("type").set("arch", "x86_64").set("machine", "q35").text("hvm"));
    let Some(Boot { kernel, initrd, arguments }) = parts.boot else {
        return os.with(element("boot").set("dev", "hd"));
    };
    let mut arguments = arguments.to_owned();
    if emulated {
        arguments += EMULATED;
    }
    if emulated && parts.steady_clock {
        arguments += " tsc=reliable";
    }
    os.with(element("kernel").text(kernel))
        .with(element("initrd").text(initrd))
        .with(element("cmdline").text(arguments))
}

/// What an emulated kernel is told beside its own arguments. Guards against speculation cost much and guard
/// nothing here; on a loaded workstation, the test of the timer fails and the kernel panics, and watchdogs bark.
/// A kernel that emulation brought down starts again rather than being waited for.
const EMULATED: &str = " mitigations=off nowatchdog no_timer_check panic=5";

fn devices(parts: &DomainParts<'_>, emulated: bool) -> Element {
    let mut devices = element("devices").with(root_disk(parts.disk, emulated));
    if let Some(bits) = parts.bits {
        devices = devices.with(read_only_disk(bits, "vdb", "SEEDBED-BITS"));
    }
    devices = devices.with(seed_disk(parts.seed));
    if let Some(registry) = parts.registry {
        devices = devices.with(registry_disk(registry));
    }
    devices
        .with(interface(parts))
        // The console's log lies in the cluster's pool: it is read through libvirt and goes with the pool.
        .with(element("serial").set("type", "pty").with(element("log").set("file", parts.console).set("append", "on")))
        .with(element("console").set("type", "pty"))
        .with(
            element("channel")
                .set("type", "unix")
                .with(element("target").set("type", "virtio").set("name", "org.qemu.guest_agent.0")),
        )
        .with(
            element("rng").set("model", "virtio").with(element("backend").set("model", "random").text("/dev/urandom")),
        )
        .with(element("memballoon").set("model", "virtio"))
        .with(element("controller").set("type", "usb").set("model", "none"))
}

fn root_disk(path: &str, emulated: bool) -> Element {
    // An emulated node is thrown away, and waiting for its flushes costs minutes.
    let cache = if emulated { "unsafe" } else { "writeback" };
    let driver = element("driver").set("name", "qemu").set("type", "qcow2").set("cache", cache).set("discard", "unmap");
    disk(path, "vda", driver)
}

fn read_only_disk(path: &str, device: &str, serial: &str) -> Element {
    let driver = element("driver").set("name", "qemu").set("type", Format::Raw.name());
    disk(path, device, driver).with(element("serial").text(serial)).with(element("readonly"))
}

/// The seed, alone too: this is what is taken out after the first boot.
pub fn seed_disk(path: &str) -> Element {
    read_only_disk(path, "vdc", "SEEDBED-SEED")
}

/// Found by its serial; its content outlives the machine, so that flushes count even where it is emulated.
fn registry_disk(path: &str) -> Element {
    let driver = element("driver").set("name", "qemu").set("type", Format::Raw.name());
    let driver = driver.set("cache", "writeback").set("discard", "unmap");
    disk(path, "vdd", driver).with(element("serial").text("SEEDBED-REGISTRY"))
}

fn disk(path: &str, device: &str, driver: Element) -> Element {
    element("disk")
        .set("type", "file")
        .set("device", "disk")
        .with(driver)
        .with(element("source").set("file", path))
        .with(element("target").set("dev", device).set("bus", "virtio"))
}

fn interface(parts: &DomainParts<'_>) -> Element {
    let (kind, source) = match parts.connected {
        Connected::Network(name) => ("network", element("source").set("network", name)),
        Connected::Bridge(name) => ("bridge", element("source").set("bridge", name)),
    };
    element("interface")
        .set("type", kind)
        .with(element("mac").set("address", parts.mac))
        .with(source)
        .with(element("model").set("type", "virtio"))
}
