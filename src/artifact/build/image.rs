//! Puts an image together: Debian layers, a program on top, one OCI archive.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::failure::{Failure, Result};

use super::golang;
use super::{Artifact, Builder, recipe};
use crate::artifact::archive::{self, Image, LayerFile};
use crate::artifact::catalog::{ImageRecipe, Program as Contents};
use crate::artifact::process::Program;

/// Builds an image unless it is there. Its component and its layers are.
pub async fn build(builder: &Builder<'_>, artifact: &Artifact, image: &ImageRecipe) -> Result<()> {
    let key = recipe::built(builder.catalog, artifact)?;
    if builder.is_there(&key) {
        return Ok(());
    }
    let step = builder.step.child_of("assemble", artifact.name.as_str(), &[]);
    let make = async {
        let work = builder.store.work(&artifact.name)?;
        let program = program(builder, image, work.path()).await?;
        let mut layers = Vec::new();
        for name in &image.layers {
            layers.push(layer(builder, name)?);
        }
        let file = work.path().join("image.tar");
        let image = Image {
            reference: artifact.reference.clone().unwrap_or_default(),
            user: image.user.clone(),
            entrypoint: image.path.clone(),
            version: artifact.version.clone(),
            layers,
        };
        let top = work.path().join("program.tar");
        let write = || {
            let top = archive::program_layer(&program, &image.entrypoint, image.layers.is_empty(), &top)?;
            archive::write(&image, &top, &file)
        };
        let blob = tokio::task::block_in_place(write)
            .map_err(|error| Failure::other(format!("cannot write the image {}", image.reference)).because(&error))?;
        builder.store.adopt(&file, &blob)?;
        builder.remember(&key, "seedbed", BTreeMap::from([(artifact.name.clone(), blob)]))
    };
    let result = make.await;
    step.conclude(result)
}

fn layer(builder: &Builder<'_>, name: &str) -> Result<LayerFile> {
    let missing = || Failure::other(format!("the layer `{name}` is not in the store"));
    let entry = builder.store.find(&recipe::layer_key(builder.catalog.layer(name)?)).ok_or_else(missing)?;
    let blob = entry.outputs.get(name).cloned().ok_or_else(missing)?;
    Ok(LayerFile { path: builder.store.path(&blob), blob })
}

/// The program's file.
async fn program(builder: &Builder<'_>, image: &ImageRecipe, work: &Path) -> Result<PathBuf> {
    let component = builder.catalog.component(&image.component)?;
    match &image.program {
        Contents::Go { binary } => {
            let missing = || Failure::other(format!("component `{}` has no program `{binary}`", component.name));
            let entry = builder.store.find(&recipe::component_key(component)?).ok_or_else(missing)?;
            let blob = entry.outputs.get(binary).ok_or_else(missing)?;
            Ok(builder.store.path(blob))
        }
        Contents::C { source, flags } => {
            let source = golang::module(builder, component).await?.join(source);
            let program = work.join("program");
            let gcc = Program::new("gcc", "apt-get install --yes gcc libc6-dev").args(flags);
            gcc.args(["-s", "-o"]).arg(&program).arg(&source).run(|_| ()).await?;
            Ok(program)
        }
    }
}
