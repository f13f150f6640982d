//! Which artifacts a cluster needs.

use engine::failure::{Failure, Result};

use super::catalog::{Artifact, Catalog, Kind, Recipe};
use crate::spec::{Cluster, Cni, Kubernetes, Provider};

/// The names of the artifacts that a cluster needs, in order.
pub fn needed<'a>(catalog: &'a Catalog, cluster: &Cluster) -> Result<Vec<&'a str>> {
    check_version(catalog, &cluster.kubernetes)?;
    let flannel = cluster.kubernetes.cni == Cni::Flannel;
    let gitops = cluster.gitops.is_some();
    let made = matches!(cluster.machines.provider, Provider::Libvirt { .. });
    let wanted = |artifact: &&Artifact| match &artifact.recipe {
        _ if artifact.kind == Kind::Tool => false,
        Recipe::Machine { machine, .. } => made && *machine == cluster.machines.image,
        Recipe::Binary { component, .. } | Recipe::Files { component, .. } => match component.as_str() {
            // What is applied is templates/flannel.yaml; theirs is to compare with.
            "flannel" => false,
            "cni-flannel" => flannel,
            "registry" => cluster.registry.is_some(),
            component => artifact.kind != Kind::Manifest || gitops || !is_flux(component),
        },
        Recipe::Image(image) => match image.component.as_str() {
            "flannel" => flannel,
            "sample" | "sample-next" => gitops,
            component => gitops || !is_flux(component),
        },
    };
    Ok(catalog.artifacts.values().filter(wanted).map(|artifact| artifact.name.as_str()).collect())
}

fn is_flux(component: &str) -> bool {
    component == "flux2" || component.ends_with("-controller")
}

fn check_version(catalog: &Catalog, kubernetes: &Kubernetes) -> Result<()> {
    let known = catalog.component("kubernetes")?.version.trim_start_matches('v');
    if kubernetes.version == known {
        return Ok(());
    }
    Err(Failure::invalid(format!("Kubernetes {} is not in the catalog of artifacts", kubernetes.version))
        .hint(format!("set `kubernetes.version: {known}`")))
}
