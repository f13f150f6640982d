//! Alters an object, sees whether it is as before, and puts it back.

use std::fmt;

use engine::failure::Result;
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::choose::{Kind, Target};
use super::owned;
use crate::flux::Object;
use crate::kube::failed;

/// The manager under which fields are altered, so that Flux sees a foreign hand.
const MANAGER: &str = "seedbed-evaluate";
/// What a value is altered to.
const ALTERED: &str = "altered-by-seedbed-evaluate";

/// An object that was altered, and how it was before.
#[derive(Clone, Debug)]
pub struct Altered {
    /// As it was, with all that the API server wrote.
    before: Object,
    /// Where it was altered, as the way through its JSON; none where it was deleted.
    field: Option<Vec<String>>,
}

/// Alters an object.
pub async fn alter(client: &Client, kind: Kind, target: &Target) -> Result<Altered> {
    let before = target.object.clone();
    let path = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>());
    let (field, value) = match kind {
        Kind::Deleted => (None, Value::Null),
        Kind::Replicas => (path(&["spec", "replicas"]), json!(before.number("/spec/replicas") + 1)),
        Kind::Label => {
            let label = owned::label(&before).unwrap_or_default();
            (path(&["metadata", "labels", &label]), json!(ALTERED))
        }
        Kind::Key => {
            let key = owned::data_key(&before).unwrap_or_default();
            (path(&["data", &key]), json!(ALTERED))
        }
    };
    let altered = Altered { before, field };
    match &altered.field {
        None => altered.delete(client).await?,
        Some(_) => altered.set(client, value).await?,
    }
    Ok(altered)
}

impl Altered {
    /// Whether it is as before: there anew, or with the same value.
    pub async fn restored(&self, client: &Client) -> Result<bool> {
        let name = self.before.name();
        let found = self.api(client).get_opt(name).await.map_err(|error| self.failed("read", &error))?;
        Ok(found.and_then(|found| serde_json::to_value(found).ok()).is_some_and(|now| self.is_as_before(&Object(now))))
    }

    fn is_as_before(&self, now: &Object) -> bool {
        match &self.field {
            None => now.uid() != self.before.uid() && !now.deleting(),
            Some(path) => value_at(&now.0, path) == value_at(&self.before.0, path),
        }
    }

    /// Puts it back as it was, where it is not yet.
    pub async fn put_back(&self, client: &Client) -> Result<()> {
        if self.restored(client).await? {
            return Ok(());
        }
        if let Some(path) = &self.field {
            let before = value_at(&self.before.0, path).cloned().unwrap_or(Value::Null);
            return self.set(client, before).await;
        }
        let object: DynamicObject = serde_json::from_value(anew(&self.before))
            .map_err(|error| self.failed("made", &kube::Error::SerdeError(error)))?;
        let parameters = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
        match self.api(client).create(&parameters, &object).await {
            Ok(_) => Ok(()),
            // Flux was first.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            Err(error) => Err(self.failed("made anew", &error)),
        }
    }

    async fn delete(&self, client: &Client) -> Result<()> {
        let deleted = self.api(client).delete(self.before.name(), &DeleteParams::background()).await;
        deleted.map(drop).map_err(|error| self.failed("deleted", &error))
    }

    async fn set(&self, client: &Client, value: Value) -> Result<()> {
        let path = self.field.iter().flatten().rev();
        let patch = path.fold(value, |inner, name| json!({name.as_str(): inner}));
        let parameters = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        let patched = self.api(client).patch(self.before.name(), &parameters, &Patch::Merge(patch)).await;
        patched.map(drop).map_err(|error| self.failed("altered", &error))
    }

    fn api(&self, client: &Client) -> Api<DynamicObject> {
        let object = &self.before;
        let kind = GroupVersionKind::gvk(object.group(), object.version(), object.kind());
        Api::namespaced_with(client.clone(), object.namespace(), &ApiResource::from_gvk(&kind))
    }

    fn failed(&self, verb: &str, error: &kube::Error) -> engine::failure::Failure {
        failed(format!("{} cannot be {verb}", self.before.key()), error)
    }
}

impl fmt::Display for Altered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            None => write!(f, "{}", self.before.key()),
            Some(path) => write!(f, "{} of {}", path.join("."), self.before.key()),
        }
    }
}

fn value_at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, name| value.get(name))
}

/// An object as it can be made anew: without what the API server wrote.
fn anew(object: &Object) -> Value {
    let mut anew = object.0.clone();
    if let Some(whole) = anew.as_object_mut() {
        whole.remove("status");
    }
    if let Some(metadata) = anew.get_mut("metadata").and_then(Value::as_object_mut) {
        for name in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"] {
            metadata.remove(name);
        }
    }
    anew
}

#[cfg(test)]
mod tests {
    use super::*;

    fn altered(field: Option<&[&str]>) -> Altered {
        let before = json!({
            "kind": "Deployment", "metadata": {"name": "web", "namespace": "apps", "uid": "1", "labels": {"a/b": "c"}},
            "spec": {"replicas": 2}, "status": {"replicas": 2},
        });
        let field = field.map(|field| field.iter().map(|name| (*name).to_owned()).collect());
        Altered { before: Object(before), field }
    }

    #[test]
    fn what_is_as_before_is_restored() {
        let now = |uid: &str, replicas: i64| {
            Object(json!({"metadata": {"uid": uid, "labels": {"a/b": "other"}}, "spec": {"replicas": replicas}}))
        };
        let deleted = altered(None);
        assert!(!deleted.is_as_before(&now("1", 2)) && deleted.is_as_before(&now("2", 2)));
        let scaled = altered(Some(&["spec", "replicas"]));
        assert!(!scaled.is_as_before(&now("1", 3)) && scaled.is_as_before(&now("1", 2)));
        assert!(!altered(Some(&["metadata", "labels", "a/b"])).is_as_before(&now("1", 2)));
        assert_eq!(
            altered(Some(&["metadata", "labels", "a/b"])).to_string(),
            "metadata.labels.a/b of Deployment/apps/web"
        );
    }

    #[test]
    fn what_the_server_wrote_is_not_made_anew() {
        let anew = anew(&altered(None).before);
        assert_eq!(anew["metadata"], json!({"name": "web", "namespace": "apps", "labels": {"a/b": "c"}}));
        assert_eq!((anew.get("status"), &anew["spec"]["replicas"]), (None, &json!(2)));
    }
}
