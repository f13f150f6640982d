//! The plan for people.

use std::fmt::{self, Write as _};

use super::{Extras, MachinePlan, NodePlan, Override, Pace, Plan};
use crate::spec::{Cni, Role, human};

/// Writes a plan as `seedbed plan` shows it.
pub fn text(plan: &Plan, extras: &Extras) -> String {
    let mut out = String::new();
    // Writing into a text cannot fail.
    let _ = write(&mut out, plan, extras);
    out
}

fn write(out: &mut String, plan: &Plan, extras: &Extras) -> fmt::Result {
    writeln!(out, "cluster {}", plan.cluster)?;
    if plan.id.is_nil() {
        writeln!(out, "  id            made by the first `seedbed up`")?;
    } else {
        writeln!(out, "  id            {}", plan.id)?;
    }
    writeln!(out, "  spec          sha256 {}", &plan.spec_hash[..16])?;
    machines(out, plan)?;
    network(out, plan)?;
    kubernetes(out, plan)?;
    gitops(out, plan)?;
    registry(out, plan)?;
    artifacts(out, extras)?;
    checks(out, extras)?;
    phases(out, plan, extras)
}

fn machines(out: &mut String, plan: &Plan) -> fmt::Result {
    match &plan.uri {
        Some(uri) => writeln!(out, "\nmachines, made on {uri} from the image {}", plan.image)?,
        None => writeln!(out, "\nmachines, existing")?,
    }
    if plan.pace == Pace::Emulated {
        writeln!(out, "  emulated: about ten times slower, with the settings for slow machines")?;
    }
    let widest = plan.nodes.iter().map(|node| node.name.len()).max().unwrap_or_default();
    for node in &plan.nodes {
        let role = if node.role == Role::ControlPlane { "control plane" } else { "worker" };
        writeln!(out, "  {:widest$}  {role:13}  {:15}  {}", node.name, node.address.to_string(), machine(node))?;
    }
    Ok(())
}

fn machine(node: &NodePlan) -> String {
    match &node.machine {
        MachinePlan::Libvirt { domain, cpus, memory, disk, .. } => {
            let word = if *cpus == 1 { "processor" } else { "processors" };
            format!("{domain}: {cpus} {word}, {} of memory, {} of disk", human(*memory), human(*disk))
        }
        MachinePlan::Existing { port, user, .. } => format!("{user}, port {port}"),
    }
}

fn network(out: &mut String, plan: &Plan) -> fmt::Result {
    let Some(network) = &plan.network else { return Ok(()) };
    match &network.name {
        Some(name) => writeln!(out, "\nnetwork {name}, NAT, bridge {}", network.bridge)?,
        None => writeln!(out, "\nnetwork, existing bridge {}", network.bridge)?,
    }
    writeln!(out, "  range         {}", network.range)?;
    writeln!(out, "  gateway       {}", network.gateway)?;
    if network.name.is_some() {
        writeln!(out, "  dynamic       {} to {}", network.dynamic.0, network.dynamic.1)?;
    }
    writeln!(out, "  balancers     {} to {}", network.load_balancer.0, network.load_balancer.1)
}

fn kubernetes(out: &mut String, plan: &Plan) -> fmt::Result {
    let kubernetes = &plan.kubernetes;
    writeln!(out, "\nkubernetes {}", kubernetes.version)?;
    writeln!(out, "  API           https://{}:{} at {}", kubernetes.endpoint, kubernetes.port, kubernetes.address)?;
    writeln!(out, "  pods          {}", kubernetes.pod_network)?;
    writeln!(out, "  services      {}, DNS {}", kubernetes.service_network, kubernetes.dns)?;
    match &kubernetes.cni {
        Cni::Flannel => writeln!(out, "  network       flannel"),
        Cni::None { manifests } => {
            let files: Vec<String> = manifests.iter().map(|file| file.display().to_string()).collect();
            writeln!(out, "  network       {}", files.join(", "))
        }
    }
}

fn gitops(out: &mut String, plan: &Plan) -> fmt::Result {
    let Some(gitops) = &plan.gitops else { return writeln!(out, "\nno repository: `up` ends with Kubernetes") };
    writeln!(out, "\nrepository {}", gitops.url)?;
    writeln!(out, "  seeded from   {}", gitops.spec.source.display())?;
    writeln!(out, "  branch        {}", gitops.spec.branch)?;
    writeln!(out, "  path          {}", gitops.spec.path)?;
    for secret in &gitops.spec.secrets {
        let keys: Vec<&str> = secret.data.keys().map(String::as_str).collect();
        writeln!(out, "  secret        {}/{}: {}", secret.namespace, secret.name, keys.join(", "))?;
    }
    match &gitops.spec.decryption {
        Some(secret) => writeln!(out, "  decrypted by  {secret}"),
        None => Ok(()),
    }
}

fn registry(out: &mut String, plan: &Plan) -> fmt::Result {
    let Some(registry) = &plan.registry else { return Ok(()) };
    writeln!(out, "\nregistry https://{}, on {}", registry.name, plan.first_control_plane().name)?;
    match registry.size {
        Some(size) => writeln!(out, "  images        a volume of {} of its own", human(size)),
        None => writeln!(out, "  images        the directory {}", super::registry::DIRECTORY),
    }
}

fn artifacts(out: &mut String, extras: &Extras) -> fmt::Result {
    let source = serde_json::to_value(extras.source).unwrap_or_default();
    writeln!(out, "\nartifacts, source {}", source.as_str().unwrap_or_default())?;
    let parts = [("instead of the artifact", &extras.artifacts), ("instead of the embedded", &extras.assets)];
    for (what, overrides) in parts {
        for Override { name, file, sha256 } in overrides {
            writeln!(out, "  {what} {name}: {}, sha256 {}", file.display(), &sha256[..16])?;
        }
    }
    Ok(())
}

fn checks(out: &mut String, extras: &Extras) -> fmt::Result {
    if extras.checks.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nchecks")?;
    let widest = extras.checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    for check in &extras.checks {
        writeln!(out, "  {:widest$}  {}, within {} s", check.name, check.asks, check.deadline.as_secs())?;
    }
    Ok(())
}

fn phases(out: &mut String, plan: &Plan, extras: &Extras) -> fmt::Result {
    let machines = if plan.uri.is_some() { "make the network, disks and machines" } else { "take the machines" };
    let mut phases = vec![
        ("artifacts", "fetch or build what is not in the store"),
        ("machines", machines),
        ("connect", "reach every host by SSH with its planned key"),
        ("provision", "prepare the hosts with playbooks"),
        ("kubernetes", "kubeadm init and join, the pod network, a kubeconfig"),
    ];
    if plan.gitops.is_some() {
        phases.push(("gitops", "seed the repository, install Flux"));
        phases.push(("ready", "wait until everything in the repository is Ready"));
    }
    if !extras.checks.is_empty() {
        phases.push(("checks", "ask what the checks ask until all hold"));
    }
    writeln!(out, "\nphases")?;
    phases.iter().try_for_each(|(name, what)| writeln!(out, "  {name:12}  {what}"))
}
