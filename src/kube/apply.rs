//! Server-side apply, with custom resource definitions waited for.

use std::collections::HashMap;
use std::fmt;

use engine::event::{Step, Unit};
use engine::failure::{Failure, Kind, Result};
use engine::wait::{Patience, Seen, until};
use futures::stream::{StreamExt as _, TryStreamExt as _};
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, pinned_kind};
use kube::{Client, ResourceExt as _};

use super::failure::{failed, patiently, transient};
use super::same::is_same;

/// The manager under which our fields are owned.
pub const FIELD_MANAGER: &str = "seedbed";

/// As many requests at once as an emulated API server answers without falling behind.
const AT_ONCE: usize = 4;

/// Names an object, as people write it: `Deployment/flux-system/source-controller`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identified {
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
}

impl Identified {
    pub fn of(object: &DynamicObject) -> Self {
        let kind = object.types.as_ref().map_or_else(String::new, |types| types.kind.clone());
        Self { kind, namespace: object.namespace(), name: object.name_any() }
    }
}

impl fmt::Display for Identified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

/// Applies objects. Remembers which resources the API serves.
pub struct Applier<'a> {
    client: Client,
    step: &'a Step,
    patience: Patience,
    served: HashMap<GroupVersionKind, (ApiResource, Scope)>,
}

impl<'a> Applier<'a> {
    /// `patience` bounds each request with its repetitions, and each wait for a definition.
    pub fn new(client: Client, step: &'a Step, patience: Patience) -> Self {
        Self { client, step, patience, served: HashMap::new() }
    }

    /// Applies objects: namespaces, then definitions, which are waited for, then the rest in parallel.
    ///
    /// Answers the objects that changed.
    pub async fn apply(&mut self, objects: &[DynamicObject]) -> Result<Vec<Identified>> {
        let mut changed = Vec::new();
        let mut done = 0;
        for rank in 0..=2 {
            let batch: Vec<&DynamicObject> = objects.iter().filter(|object| rank_of(object) == rank).collect();
            for object in &batch {
                self.discover(object).await?;
            }
            let this = &*self;
            let mut answers =
                futures::stream::iter(batch.iter().map(|object| this.apply_one(object))).buffered(AT_ONCE).enumerate();
            while let Some((index, answer)) = answers.next().await {
                done += 1;
                self.step.progress(done, Some(objects.len() as u64), Unit::Items);
                if answer? {
                    changed.push(Identified::of(batch[index]));
                }
            }
            drop(answers);
            if rank == 1 {
                futures::stream::iter(batch.iter().map(|object| this.wait_established(object)))
                    .buffer_unordered(AT_ONCE)
                    .try_collect::<()>()
                    .await?;
            }
        }
        Ok(changed)
    }

    /// The dynamic API that serves an object.
    pub async fn api_of(&mut self, object: &DynamicObject) -> Result<Api<DynamicObject>> {
        self.discover(object).await?;
        self.api(object)
    }

    /// Applies one object; answers whether that changed it.
    async fn apply_one(&self, object: &DynamicObject) -> Result<bool> {
        let named = Identified::of(object);
        let api = self.api(object)?;
        let name = object.name_any();
        let before =
            patiently(self.step, &format!("{named} is read"), self.patience, async || api.get_opt(&name).await).await?;
        if before.as_ref().is_some_and(|live| is_same(live, object)) {
            return Ok(false);
        }
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let after = patiently(self.step, &format!("{named} is applied"), self.patience, async || {
            api.patch(&name, &parameters, &Patch::Apply(object)).await
        })
        .await?;
        Ok(before.map(desired) != Some(desired(after)))
    }

    fn api(&self, object: &DynamicObject) -> Result<Api<DynamicObject>> {
        let kind = kind_of(object)?;
        let (resource, scope) = self.served.get(&kind).ok_or_else(|| not_served(object))?;
        Ok(match scope {
            Scope::Cluster => Api::all_with(self.client.clone(), resource),
            Scope::Namespaced => {
                let namespace = object.namespace().unwrap_or_else(|| "default".into());
                Api::namespaced_with(self.client.clone(), &namespace, resource)
            }
        })
    }

    async fn discover(&mut self, object: &DynamicObject) -> Result<()> {
        let kind = kind_of(object)?;
        if self.served.contains_key(&kind) {
            return Ok(());
        }
        let condition = format!("{} of {} is served", kind.kind, kind.api_version());
        let client = self.client.clone();
        // A definition that was just established may take a moment to show in discovery.
        let patience =
            Patience { deadline: self.patience.deadline.min(std::time::Duration::from_secs(120)), ..self.patience };
        let found =
            until(self.step, &condition, patience, Kind::Step, async || match pinned_kind(&client, &kind).await {
                Ok((resource, capabilities)) => Ok(Seen::Ready((resource, capabilities.scope))),
                Err(kube::Error::Discovery(_)) => Ok(Seen::NotYet("the API does not know it".into())),
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    Ok(Seen::NotYet("the API does not know it".into()))
                }
                Err(error) if transient(&error) => Ok(Seen::NotYet(failed("", &error).causes.concat())),
                Err(error) => Err(failed(&condition, &error)),
            })
            .await
            .map_err(|failure| {
                failure.hint(format!("{} needs its CustomResourceDefinition first.", Identified::of(object)))
            })?;
        self.served.insert(kind, found);
        Ok(())
    }

    async fn wait_established(&self, definition: &DynamicObject) -> Result<()> {
        let api = self.api(definition)?;
        let name = definition.name_any();
        let condition = format!("{} is Established", Identified::of(definition));
        until(self.step, &condition, self.patience, Kind::Step, async || match api.get(&name).await {
            Ok(object) => Ok(established(&object)),
            Err(error) if transient(&error) => Ok(Seen::NotYet(failed("", &error).causes.concat())),
            Err(error) => Err(failed(&condition, &error)),
        })
        .await
    }
}

/// An object without what the API server and controllers write of their own.
fn desired(mut object: DynamicObject) -> DynamicObject {
    object.metadata.managed_fields = None;
    object.metadata.resource_version = None;
    object.metadata.generation = None;
    if let Some(data) = object.data.as_object_mut() {
        data.remove("status");
    }
    object
}

fn established(definition: &DynamicObject) -> Seen<()> {
    let conditions = definition.data["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let find = |kind: &str| conditions.iter().find(|condition| condition["type"] == kind);
    match (find("Established"), find("NamesAccepted")) {
        (Some(condition), _) if condition["status"] == "True" => Seen::Ready(()),
        (_, Some(condition)) if condition["status"] == "False" => {
            Seen::NotYet(condition["message"].as_str().unwrap_or("its names are not accepted").to_owned())
        }
        _ => Seen::NotYet("the API server has not taken it up".into()),
    }
}

/// 0: what others lie in; 1: what defines others; 2: the rest.
fn rank_of(object: &DynamicObject) -> u8 {
    match object.types.as_ref().map(|types| types.kind.as_str()) {
        Some("Namespace") => 0,
        Some("CustomResourceDefinition") => 1,
        _ => 2,
    }
}

fn kind_of(object: &DynamicObject) -> Result<GroupVersionKind> {
    let types = object.types.as_ref().ok_or_else(|| Failure::invalid("an object has no apiVersion and kind"))?;
    GroupVersionKind::try_from(types)
        .map_err(|error| Failure::invalid(format!("{} has a wrong apiVersion", Identified::of(object))).because(&error))
}

fn not_served(object: &DynamicObject) -> Failure {
    Failure::step(format!("the API does not serve the kind of {}", Identified::of(object)))
}
