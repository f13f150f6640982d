//! The kubernetes section.

use schemars::JsonSchema;

use crate::spec::problems::Problems;
use crate::spec::read::{Free, Named, Placed, Read, record, wrong_type};
use crate::spec::tree::{Node as Tree, Value};
use crate::spec::value::{Range, Version};

record! {
    /// What Kubernetes looks like.
    Kubernetes {
        /// The version as a quoted text. Default: the newest that this seedbed knows.
        #[schemars(example = "1.36.3")]
        version: Version,
        /// The pods' range, /24 or larger; each node gets a /24 of it. Default: 10.244.0.0/16.
        pod_network: Range,
        /// The services' range, /12 to /28. Default: 10.96.0.0/12.
        service_network: Range,
        /// `flannel`, or `none` with the manifests of another network plugin. Default: flannel.
        cni: Cni,
        /// Merged into kubeadm's `ClusterConfiguration` (v1beta4).
        #[schemars(example = serde_json::json!({"apiServer": {"extraArgs": [{"name": "audit-log-maxage", "value": "7"}]}}))]
        kubeadm: Named<Free>,
    }
}

/// The network plugin.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Cni {
    Flannel(Flannel),
    None(OwnCni),
}

/// flannel. It enforces no `NetworkPolicy`.
#[derive(Clone, Copy, Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Flannel {
    Flannel,
}

record! {
    /// Another network plugin.
    OwnCni {
        /// Manifest files, applied in order.
        #[schemars(required, length(min = 1))]
        none: Vec<Placed<String>>,
    }
}

impl Read for Cni {
    fn read(node: &Tree, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.value {
            Value::Mapping(_) => OwnCni::read(node, problems).map(Self::None),
            Value::Scalar { text, .. } if text == "flannel" => Some(Self::Flannel(Flannel::Flannel)),
            _ => {
                wrong_type(node, "`flannel` or `{none: [MANIFEST]}`", problems);
                None
            }
        }
    }
}
