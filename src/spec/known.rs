//! The names that a spec can refer to.

use crate::artifact::Catalog;
use crate::assets::Assets;

/// What there is to be named.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Machine images.
    pub images: Vec<String>,
    /// Kubernetes versions, the newest last.
    pub versions: Vec<String>,
    /// Artifacts that can be overridden.
    pub artifacts: Vec<String>,
}

impl Known {
    /// What this program has, with the assets' machine images.
    pub fn with(assets: &Assets) -> Self {
        let images = assets.names_in("vm-images").into_iter();
        let image = |name: String| Some(name.strip_prefix("vm-images/")?.strip_suffix(".yaml")?.to_owned());
        // The catalog is part of the program; its own test reads it.
        let catalog = Catalog::load().ok();
        let kubernetes = catalog.iter().filter_map(|catalog| catalog.components.get("kubernetes"));
        Self {
            images: images.filter_map(image).collect(),
            versions: kubernetes.map(|component| component.version.trim_start_matches('v').to_owned()).collect(),
            artifacts: catalog.iter().flat_map(Catalog::names).map(str::to_owned).collect(),
        }
    }
}
