//! The bootstrap token: it lives only in the run that uses it.

use std::fmt;

use engine::event::Step;
use engine::failure::{Kind, Result};
use engine::wait::{Patience, Seen, until};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::kube::{FIELD_MANAGER, failed, patiently, transient};

/// A token's id and secret, `abcdef.0123456789abcdef`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    id: String,
    secret: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}.********)", self.id)
    }
}

impl Token {
    /// Makes a token, and masks its secret.
    pub fn make(step: &Step) -> Self {
        const SIGNS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let word = |length: usize| -> String {
            (0..length).map(|_| char::from(SIGNS[rand::random_range(0..SIGNS.len())])).collect()
        };
        let token = Self { id: word(6), secret: word(16) };
        step.events().secrets().register(&token.secret);
        token
    }

    pub fn text(&self) -> String {
        format!("{}.{}", self.id, self.secret)
    }

    fn object_name(&self) -> String {
        format!("bootstrap-token-{}", self.id)
    }

    /// Makes the API server know it for an hour. `kubeadm init` may have done so already.
    pub async fn publish(&self, client: &Client, step: &Step, patience: Patience) -> Result<()> {
        let api: Api<Secret> = Api::namespaced(client.clone(), "kube-system");
        let expiration = Timestamp::now() + SignedDuration::from_hours(1);
        let object = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "bootstrap.kubernetes.io/token",
            "metadata": {"name": self.object_name(), "namespace": "kube-system"},
            "stringData": {
                "token-id": self.id,
                "token-secret": self.secret,
                "expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "usage-bootstrap-authentication": "true",
                "usage-bootstrap-signing": "true",
                "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
            },
        });
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let name = self.object_name();
        patiently(step, "the join token is made", patience, async || {
            api.patch(&name, &parameters, &Patch::Apply(&object)).await
        })
        .await
        .map(drop)
    }

    /// Waits until `cluster-info` carries the token's signature, which a joining node asks for.
    pub async fn wait_signed(&self, client: &Client, step: &Step, patience: Patience) -> Result<()> {
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), "kube-public");
        let signature = format!("jws-kubeconfig-{}", self.id);
        let condition = "cluster-info is signed with the join token";
        until(step, condition, patience, Kind::Step, async || match api.get_opt("cluster-info").await {
            Ok(None) => Ok(Seen::NotYet("it does not exist".into())),
            Ok(Some(map)) if map.data.iter().any(|data| data.contains_key(&signature)) => Ok(Seen::Ready(())),
            Ok(Some(_)) => Ok(Seen::NotYet("the controller manager has not signed it".into())),
            Err(error) if transient(&error) => Ok(Seen::NotYet(failed("", &error).causes.concat())),
            Err(error) => Err(failed(condition, &error)),
        })
        .await
    }

    /// Forgets it, after the last join; that it is gone already is well.
    pub async fn forget(&self, client: &Client, step: &Step, patience: Patience) -> Result<()> {
        let api: Api<Secret> = Api::namespaced(client.clone(), "kube-system");
        let name = self.object_name();
        patiently(step, "the join token is deleted", patience, async || {
            match api.delete(&name, &DeleteParams::default()).await {
                Ok(_) => Ok(()),
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
                Err(error) => Err(error),
            }
        })
        .await
    }
}
