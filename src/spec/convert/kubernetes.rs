//! The kubernetes section.

use std::net::Ipv4Addr;

use engine::failure::Failure;
use ipnet::Ipv4Net;

use super::{Context, span};
use crate::spec::cluster::{Cni, Kubernetes};
use crate::spec::problems::{MaybeHint as _, did_you_mean};
use crate::spec::raw;
use crate::spec::read::{Free, Named, Placed};

/// Keys of kubeadm's `ClusterConfiguration`, and where seedbed takes those that it plans itself from.
const KUBEADM: [(&str, Option<&str>); 19] = [
    ("apiServer", None),
    ("caCertificateValidityPeriod", None),
    ("certificateValidityPeriod", None),
    ("certificatesDir", Some("seedbed places the certificates")),
    ("clusterName", Some("write it as `cluster`")),
    ("controlPlaneEndpoint", Some("seedbed plans it")),
    ("controllerManager", None),
    ("dns", None),
    ("encryptionAlgorithm", None),
    ("etcd", None),
    ("featureGates", None),
    ("imageRepository", None),
    ("kubernetesVersion", Some("write it as `kubernetes.version`")),
    ("networking", Some("write `kubernetes.podNetwork` and `kubernetes.serviceNetwork`")),
    ("proxy", None),
    ("scheduler", None),
    ("apiVersion", Some("it is always kubeadm.k8s.io/v1beta4")),
    ("kind", Some("it is always ClusterConfiguration")),
    ("metadata", Some("kubeadm has none")),
];

pub fn convert(written: Option<&Placed<raw::Kubernetes>>, context: &mut Context<'_, '_>) -> Kubernetes {
    let empty = raw::Kubernetes::default();
    let kubernetes = written.map_or(&empty, |placed| &placed.value);
    let pod_network = kubernetes.pod_network.as_ref().map_or_else(pod_network, |range| range.0);
    let service_network = kubernetes.service_network.as_ref().map_or_else(service_network, |range| range.0);
    if let Some(place) = span(kubernetes.pod_network.as_ref()).filter(|_| pod_network.prefix_len() > 24) {
        let failure = Failure::invalid(format!("{pod_network} is too small: each node gets a /24 of the pod network"));
        context.invalid(place, failure.hint("Use /16, for example 10.244.0.0/16."));
    }
    if let Some(place) = span(kubernetes.service_network.as_ref())
        && !(12..=28).contains(&service_network.prefix_len())
    {
        let failure = Failure::invalid(format!("{service_network}: the service network must be /12 to /28"));
        context.invalid(place, failure.hint("For example 10.96.0.0/12."));
    }
    Kubernetes {
        version: version(kubernetes, context),
        pod_network,
        service_network,
        cni: cni(kubernetes.cni.as_ref(), context),
        kubeadm: kubeadm(kubernetes.kubeadm.as_ref(), context),
    }
}

fn pod_network() -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(10, 244, 0, 0), 16)
}

fn service_network() -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(10, 96, 0, 0), 12)
}

fn version(kubernetes: &raw::Kubernetes, context: &mut Context<'_, '_>) -> String {
    let newest = context.known.versions.last().cloned().unwrap_or_default();
    let Some(version) = &kubernetes.version else { return newest };
    if !context.known.versions.contains(&version.0) {
        let failure =
            Failure::invalid(format!("Kubernetes {} is not among the versions that seedbed knows", version.0));
        context.invalid(version.span, failure.hint(format!("Known: {}.", context.known.versions.join(", "))));
    }
    version.0.clone()
}

fn cni(written: Option<&Placed<raw::Cni>>, context: &mut Context<'_, '_>) -> Cni {
    let Some(cni) = written else { return Cni::Flannel };
    let raw::Cni::None(own) = &cni.value else { return Cni::Flannel };
    context.required(&own.given, "none", cni.span, "`cni`");
    let manifests = own.none.as_ref().map_or(&[][..], |manifests| &manifests.value);
    if own.none.as_ref().is_some_and(|manifests| manifests.is_empty()) {
        let failure = Failure::invalid("no network plugin: without one no node becomes Ready");
        context.invalid(cni.span, failure.hint("Name its manifests: `cni: {none: [cni/plugin.yaml]}`."));
    }
    Cni::None { manifests: manifests.iter().map(|file| context.path(file, "the manifest", false)).collect() }
}

fn kubeadm(
    written: Option<&Placed<Named<Free>>>,
    context: &mut Context<'_, '_>,
) -> serde_json::Map<String, serde_json::Value> {
    let mut merged = serde_json::Map::new();
    for (key, value) in written.into_iter().flat_map(|named| &named.0) {
        match KUBEADM.iter().find(|(name, _)| *name == key.value) {
            Some((_, None)) => {
                merged.insert(key.value.clone(), value.value.clone());
            }
            Some((name, Some(instead))) => {
                context.invalid(key.span, Failure::invalid(format!("`{name}` cannot be set here: {instead}")));
            }
            None => {
                let possible = KUBEADM.iter().filter(|(_, planned)| planned.is_none()).map(|(name, _)| *name);
                let failure = Failure::invalid(format!("kubeadm's ClusterConfiguration has no `{}`", key.value));
                context.invalid(key.span, failure.maybe_hint(did_you_mean(key, possible)));
            }
        }
    }
    merged
}
