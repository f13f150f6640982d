//! The names that a spec can refer to.

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
        Self { images: images.filter_map(image).collect(), versions: vec!["1.36.3".into()], artifacts: Vec::new() }
    }
}
