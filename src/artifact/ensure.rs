//! Brings what is wanted into the store.

use std::path::{Path, PathBuf};

use engine::digest;
use engine::event::Step;
use engine::failure::{Failure, Result};

use super::bits::{Bit, Bits, Origin};
use super::build::{self, Builder};
use super::catalog::{Artifact, Catalog};
use super::recipe;
use super::source::Upstream;
use super::store::{Blob, Entry, Store};
use crate::spec::{ArtifactSource, Artifacts};

impl Store {
    /// Returns the wanted artifacts, after fetching or building the missing ones. With nothing missing it only looks.
    pub async fn ensure(&self, catalog: &Catalog, wanted: &[&str], settings: &Artifacts, step: &Step) -> Result<Bits> {
        for name in settings.overrides.keys() {
            catalog.artifact(name)?;
        }
        let wanted = wanted.iter().map(|name| catalog.artifact(name)).collect::<Result<Vec<_>>>()?;
        let missing = self.missing(catalog, &wanted, settings)?;
        if !missing.is_empty() {
            let _lock = self.lock(step).await?;
            // Another process may have brought some of it while this one waited.
            let missing = self.missing(catalog, &wanted, settings)?;
            self.bring(catalog, &missing, settings, step).await?;
        }
        let mut bits = Bits::default();
        for artifact in wanted {
            let found = self.look(catalog, artifact, settings)?;
            let (bit, key) = found.ok_or_else(|| Failure::other(format!("`{}` is not in the store", artifact.name)))?;
            if let Some(key) = key {
                self.touch(&key);
            }
            bits.insert(bit);
        }
        Ok(bits)
    }

    /// Looks an artifact up, as these settings would have it. Reads only; an override is hashed.
    pub fn bit(&self, catalog: &Catalog, artifact: &Artifact, settings: &Artifacts) -> Result<Option<Bit>> {
        Ok(self.look(catalog, artifact, settings)?.map(|(bit, _)| bit))
    }

    /// The same with the key that gave it; an override has none.
    fn look(
        &self,
        catalog: &Catalog,
        artifact: &Artifact,
        settings: &Artifacts,
    ) -> Result<Option<(Bit, Option<String>)>> {
        let bit = |origin, blob: &Blob, path: PathBuf| Bit {
            name: artifact.name.clone(),
            kind: artifact.kind,
            version: artifact.version.clone(),
            file: artifact.file.clone(),
            reference: artifact.reference.clone(),
            origin,
            digest: blob.digest.clone(),
            size: blob.size,
            path,
        };
        if let Some(file) = settings.overrides.get(&artifact.name) {
            let blob = overriding(artifact, file)?;
            return Ok(Some((bit(Origin::Override, &blob, file.clone()), None)));
        }
        let source = settings.source;
        let published = artifact.published.as_ref().filter(|_| source != ArtifactSource::Build);
        let may_build = matches!(source, ArtifactSource::Auto | ArtifactSource::Build) || artifact.published.is_none();
        let mut keys = Vec::new();
        if let Some(published) = published {
            keys.push((recipe::published(artifact, published), artifact.name.as_str()));
        }
        if may_build {
            keys.push((recipe::built(catalog, artifact)?, build::output(artifact)));
        }
        let found = keys.into_iter().find_map(|(key, output)| Some((self.find(&key)?, key, output)));
        let Some((Entry { origin, outputs, .. }, key, output)) = found else { return Ok(None) };
        Ok(outputs.get(output).map(|blob| (bit(origin, blob, self.path(blob)), Some(key))))
    }

    fn missing<'a>(
        &self,
        catalog: &Catalog,
        wanted: &[&'a Artifact],
        settings: &Artifacts,
    ) -> Result<Vec<&'a Artifact>> {
        let mut missing = Vec::new();
        for artifact in wanted {
            if self.bit(catalog, artifact, settings)?.is_none() {
                missing.push(*artifact);
            }
        }
        Ok(missing)
    }

    async fn bring(&self, catalog: &Catalog, missing: &[&Artifact], settings: &Artifacts, step: &Step) -> Result<()> {
        let Artifacts { source, mirrors, .. } = settings;
        let (published, mut to_build): (Vec<&Artifact>, Vec<&Artifact>) =
            missing.iter().partition(|artifact| artifact.published.is_some() && *source != ArtifactSource::Build);
        if let Some(first) = published.first() {
            let upstream = Upstream::new(self, mirrors, *source == ArtifactSource::Mirror)?;
            let auto = *source == ArtifactSource::Auto;
            let unreachable = if auto { upstream.unreachable(first).await } else { None };
            if let Some(reason) = unreachable {
                step.note(format!("building from source, because upstream cannot be reached: {reason}"));
                to_build.extend(published);
            } else {
                for (artifact, failure) in upstream.fetch(&published, step).await {
                    if !auto {
                        return Err(failure);
                    }
                    step.note(format!(
                        "building {} from source, because it could not be fetched: {failure}",
                        artifact.name
                    ));
                    to_build.push(artifact);
                }
            }
        }
        let builder = Builder { store: self, catalog, mirrors, step };
        builder.build(&to_build).await
    }
}

/// The user's own file.
fn overriding(artifact: &Artifact, file: &Path) -> Result<Blob> {
    let (digest, size) = digest::of_file(file).map_err(|error| {
        Failure::invalid(format!("cannot read {}, which stands for the artifact `{}`", file.display(), artifact.name))
            .because(&error)
    })?;
    Ok(Blob { digest, size })
}
