//! What a cluster is in the end, so that two of them can be compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::flux::{Object, Snapshot};

/// What Flux has fetched and applied, and what runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Portrait {
    /// By source: `GitRepository/flux-system/flux-system` at `main@sha1:0123`.
    pub revisions: BTreeMap<String, String>,
    /// Everything in the inventories of Kustomizations and releases.
    pub applied: BTreeSet<String>,
    /// By the name that pods ask for: the digest that runs.
    pub images: BTreeMap<String, String>,
}

impl Portrait {
    /// Of one look at a cluster.
    pub fn of(snapshot: &Snapshot) -> Self {
        let sources = snapshot.flux().filter(|object| {
            // The index of a chart repository differs whenever anybody publishes anything.
            object.kind() != "HelmRepository" && !object.artifact_revision().is_empty()
        });
        let revision = |object: &Object| (object.key().to_string(), object.artifact_revision().to_owned());
        let pods = snapshot.of_kind("Pod").filter(|pod| !pod.deleting());
        Self {
            revisions: sources.map(revision).collect(),
            applied: snapshot.flux().flat_map(Object::inventory).map(|key| key.to_string()).collect(),
            images: pods.flat_map(images).collect(),
        }
    }
}

/// What a pod's containers ask for, and what they got.
fn images(pod: &Object) -> Vec<(String, String)> {
    let of = |spec: &str, status: &str| {
        let statuses = pod.list(status);
        let got = |container: &Value| {
            let status = statuses.iter().find(|status| status["name"] == container["name"])?;
            let id = status["imageID"].as_str().filter(|id| !id.is_empty())?;
            let digest = id.rsplit_once('@').map_or(id, |(_, digest)| digest);
            Some((container["image"].as_str()?.to_owned(), digest.to_owned()))
        };
        pod.list(spec).iter().filter_map(got).collect::<Vec<_>>()
    };
    let first = of("/spec/initContainers", "/status/initContainerStatuses");
    [first, of("/spec/containers", "/status/containerStatuses")].concat()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sources_inventories_and_images_are_in_it() {
        let flux = |kind: &str, status: Value| {
            Object(json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": kind,
                "metadata": {"namespace": "flux-system", "name": "x"}, "status": status,
            }))
        };
        let pod = Object(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "apps", "name": "web-1"},
            "spec": {
                "initContainers": [{"name": "wait", "image": "wait:1"}],
                "containers": [{"name": "web", "image": "web:2"}, {"name": "late", "image": "late:1"}],
            },
            "status": {
                "initContainerStatuses": [{"name": "wait", "imageID": "docker.io/wait@sha256:aa"}],
                "containerStatuses": [
                    {"name": "late", "imageID": ""}, {"name": "web", "image": "sha256:cc", "imageID": "sha256:bb"},
                ],
            },
        }));
        let revision = |revision: &str| json!({"artifact": {"revision": revision}});
        let inventory = json!({"inventory": {"entries": [{"id": "apps_web_apps_Deployment", "v": "v1"}]}});
        let snapshot = Snapshot {
            objects: vec![
                flux("GitRepository", revision("main@sha1:01")),
                flux("HelmRepository", revision("sha256:02")),
                flux("Kustomization", inventory),
                pod,
            ],
        };
        let expected = Portrait {
            revisions: [("GitRepository/flux-system/x".to_owned(), "main@sha1:01".to_owned())].into(),
            applied: ["Deployment/apps/web".to_owned()].into(),
            images: [("wait:1", "sha256:aa"), ("web:2", "sha256:bb")].map(|(a, b)| (a.into(), b.into())).into(),
        };
        assert_eq!(Portrait::of(&snapshot), expected);
    }
}
