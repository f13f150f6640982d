//! The kinds that the API serves.

use std::collections::HashMap;

use engine::failure::Result;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, pinned_kind};
use kube::{Client, ResourceExt as _};

use crate::kube::failed;

/// What was asked about; a kind that the API does not serve is remembered as that.
pub struct Served {
    client: Client,
    kinds: HashMap<GroupVersionKind, Option<(ApiResource, Scope)>>,
}

impl Served {
    pub fn new(client: Client) -> Self {
        Self { client, kinds: HashMap::new() }
    }

    /// Asks about the kind of an object.
    pub async fn look(&mut self, object: &DynamicObject) -> Result<()> {
        let Some(kind) = kind(object) else { return Ok(()) };
        if self.kinds.contains_key(&kind) {
            return Ok(());
        }
        let found = match pinned_kind(&self.client, &kind).await {
            Ok((resource, capabilities)) => Some((resource, capabilities.scope)),
            Err(kube::Error::Discovery(_)) => None,
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(error) => {
                return Err(failed(format!("the API's kinds of {} cannot be read", kind.api_version()), &error));
            }
        };
        self.kinds.insert(kind, found);
        Ok(())
    }

    /// The API of an object; none where its kind is not served.
    pub fn api(&self, object: &DynamicObject) -> Option<Api<DynamicObject>> {
        let (resource, scope) = self.kinds.get(&kind(object)?)?.as_ref()?;
        Some(match scope {
            Scope::Cluster => Api::all_with(self.client.clone(), resource),
            Scope::Namespaced => {
                let namespace = object.namespace().unwrap_or_else(|| "default".into());
                Api::namespaced_with(self.client.clone(), &namespace, resource)
            }
        })
    }
}

fn kind(object: &DynamicObject) -> Option<GroupVersionKind> {
    GroupVersionKind::try_from(object.types.as_ref()?).ok()
}
