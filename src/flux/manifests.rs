//! The manifests that Flux publishes, as the artifact store holds them.

use engine::failure::{Failure, Result};
use kube::api::DynamicObject;

use super::{NAMESPACE, Sync, controller};
use crate::artifact::Bits;
use crate::kube::parse_documents;

/// The controllers that are installed.
pub const CONTROLLERS: [&str; 4] =
    ["source-controller", "kustomize-controller", "helm-controller", "notification-controller"];

/// What is read of one controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    pub name: String,
    /// The image's full reference.
    pub image: String,
    pub version: String,
    /// The text of its `CustomResourceDefinition`s.
    pub definitions: String,
    /// The text of its Deployment and Services.
    pub deployment: String,
}

/// Everything that Flux is installed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifests {
    pub controllers: Vec<Controller>,
    /// Roles and their bindings.
    pub roles: String,
    /// Network policies. flannel does not enforce them.
    pub policies: String,
}

/// The objects in the order of their applying.
pub(super) struct Objects {
    /// What controllers need before they start: namespace, definitions, accounts, roles.
    pub ground: Vec<DynamicObject>,
    pub controllers: Vec<DynamicObject>,
}

impl Manifests {
    /// Reads them from the store.
    pub fn read(bits: &Bits) -> Result<Self> {
        let controllers = CONTROLLERS.map(|name| {
            let bit = bits.get(name)?;
            let image =
                bit.reference.clone().ok_or_else(|| Failure::other(format!("artifact `{name}` is no image")))?;
            Ok(Controller {
                name: name.to_owned(),
                image,
                version: bit.version.clone(),
                definitions: bits.manifest(&format!("{name}-crds"))?,
                deployment: bits.manifest(&format!("{name}-deployment"))?,
            })
        });
        Ok(Self {
            controllers: controllers.into_iter().collect::<Result<_>>()?,
            roles: bits.manifest("flux-rbac")?,
            policies: bits.manifest("flux-policies")?,
        })
    }

    /// Makes the objects, tuned for the cluster.
    pub(super) fn objects(&self, sync: &Sync) -> Result<Objects> {
        let mut ground = vec![controller::namespace()?];
        let mut controllers = Vec::new();
        for controller in &self.controllers {
            ground.extend(parse_documents(&format!("{}-crds", controller.name), &controller.definitions)?);
            ground.push(controller::account(&controller.name)?);
            for mut object in parse_documents(&format!("{}-deployment", controller.name), &controller.deployment)? {
                object.metadata.namespace = Some(NAMESPACE.to_owned());
                controller::tune(&mut object, controller, sync);
                if let Some(secret) = &sync.decryption {
                    controller::decrypt(&mut object, secret);
                }
                controllers.push(object);
            }
        }
        for (origin, text) in [("flux-rbac", &self.roles), ("flux-policies", &self.policies)] {
            for mut object in parse_documents(origin, text)? {
                if !object.types.as_ref().is_some_and(|types| types.kind.starts_with("ClusterRole")) {
                    object.metadata.namespace = Some(NAMESPACE.to_owned());
                }
                ground.push(object);
            }
        }
        for object in ground.iter_mut().chain(&mut controllers) {
            let labels = object.metadata.labels.get_or_insert_default();
            labels.insert("app.kubernetes.io/part-of".into(), "flux".into());
            labels.insert("app.kubernetes.io/instance".into(), NAMESPACE.into());
        }
        Ok(Objects { ground, controllers })
    }
}
