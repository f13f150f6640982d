//! Builds artifacts from pinned sources.

mod debian;
mod golang;
mod image;
mod machine;

use std::collections::BTreeMap;

use engine::event::Step;
use engine::failure::{Failure, Result};

use super::bits::Origin;
use super::catalog::{Artifact, Catalog, ImageRecipe, Recipe};
use super::recipe;
use super::store::{Blob, Entry, Store};

/// What builds need.
pub struct Builder<'a> {
    pub store: &'a Store,
    pub catalog: &'a Catalog,
    /// Base URLs, rewritten from the key to the value; Debian's mirror is one.
    pub mirrors: &'a BTreeMap<String, String>,
    pub step: &'a Step,
}

impl Builder<'_> {
    /// Builds artifacts: Go and Debian side by side, each one at a time, then the images made of both.
    pub async fn build(&self, wanted: &[&Artifact]) -> Result<()> {
        let plan = Plan::of(wanted);
        let go = async {
            for component in &plan.components {
                golang::ensure(self, component).await?;
            }
            Ok::<(), Failure>(())
        };
        let debian = async {
            for layer in &plan.layers {
                debian::ensure_layer(self, layer).await?;
            }
            for machine in &plan.machines {
                machine::ensure(self, machine).await?;
            }
            Ok::<(), Failure>(())
        };
        futures::try_join!(go, debian)?;
        for artifact in wanted {
            match &artifact.recipe {
                Recipe::Image(recipe) => image::build(self, artifact, recipe).await?,
                Recipe::Files { component, pattern } => golang::files(self, artifact, component, pattern).await?,
                Recipe::Binary { .. } | Recipe::Machine { .. } => {}
            }
        }
        Ok(())
    }

    fn remember(&self, key: &str, by: impl Into<String>, outputs: BTreeMap<String, Blob>) -> Result<()> {
        self.store.remember(key, &Entry { origin: Origin::Build, by: by.into(), made: jiff::Timestamp::now(), outputs })
    }

    fn is_there(&self, key: &str) -> bool {
        self.store.find(key).is_some()
    }
}

/// The file name that an artifact has in the outputs of its recipe.
pub fn output(artifact: &Artifact) -> &str {
    match &artifact.recipe {
        Recipe::Binary { binary, .. } => binary,
        Recipe::Machine { file, .. } => file,
        Recipe::Image(_) | Recipe::Files { .. } => &artifact.name,
    }
}

/// What has to be there before images are put together, each once and in the order of first use.
#[derive(Default)]
struct Plan<'a> {
    components: Vec<&'a str>,
    layers: Vec<&'a str>,
    machines: Vec<&'a str>,
}

impl<'a> Plan<'a> {
    fn of(wanted: &[&'a Artifact]) -> Self {
        fn once<'a>(list: &mut Vec<&'a str>, name: &'a str) {
            if !list.contains(&name) {
                list.push(name);
            }
        }
        let mut plan = Self::default();
        for artifact in wanted {
            match &artifact.recipe {
                Recipe::Binary { component, .. } => once(&mut plan.components, component),
                Recipe::Image(ImageRecipe { component, program, layers, .. }) => {
                    if matches!(program, super::catalog::Program::Go { .. }) {
                        once(&mut plan.components, component);
                    }
                    for layer in layers {
                        once(&mut plan.layers, layer);
                    }
                }
                Recipe::Machine { machine, .. } => once(&mut plan.machines, machine),
                Recipe::Files { .. } => {}
            }
        }
        plan
    }
}
