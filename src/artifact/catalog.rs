//! The catalog: every artifact, where upstream publishes it, how it is built.

mod read;

use std::collections::BTreeMap;

use engine::failure::{Failure, Result};
use serde::{Deserialize, Serialize};

use crate::assets::Assets;

/// What an artifact is, which decides where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A program on a node's PATH.
    Binary,
    /// A CNI plugin.
    Plugin,
    /// A program that tests and people run; it is on no node.
    Tool,
    /// A container image as an OCI archive.
    Image,
    /// YAML for the Kubernetes API.
    Manifest,
    /// A machine's disk, qcow2.
    Disk,
    Kernel,
    Initrd,
}

/// A pinned Go module and what is built from it.
#[derive(Clone, Debug, Serialize)]
pub struct Component {
    pub name: String,
    pub module: String,
    pub version: String,
    pub license: String,
    pub cgo: bool,
    /// Linker flags beside `-s -w`.
    pub link: String,
    /// Paths of main packages in the module.
    pub packages: Vec<String>,
    /// The directory under `components/` that holds `go.mod` and `go.sum`.
    pub source: String,
}

impl Component {
    /// Whether seedbed carries its source.
    pub fn is_own(&self) -> bool {
        self.module.starts_with("seedbed/")
    }
}

/// One artifact.
#[derive(Clone, Debug, Serialize)]
pub struct Artifact {
    pub name: String,
    pub kind: Kind,
    pub version: String,
    pub license: String,
    pub file: String,
    pub reference: Option<String>,
    /// Nothing where only seedbed makes it.
    pub published: Option<Published>,
    pub recipe: Recipe,
}

/// Where upstream publishes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Published {
    /// A file, with the address of its published checksum and the member to take if it is a gzipped tar archive.
    File { url: String, checksum: Option<String>, member: Option<String> },
    /// An image in a registry, by its full reference.
    Image { reference: String },
}

/// How it is built.
#[derive(Clone, Debug, Serialize)]
pub enum Recipe {
    Binary {
        component: String,
        binary: String,
    },
    Image(ImageRecipe),
    /// The files of a module that match a pattern, as one YAML stream.
    Files {
        component: String,
        pattern: String,
    },
    /// One file of a machine image.
    Machine {
        machine: String,
        file: String,
    },
}

/// An image of one program.
#[derive(Clone, Debug, Serialize)]
pub struct ImageRecipe {
    pub component: String,
    pub program: Program,
    /// Where the program lies in the image; also the entry point.
    pub path: String,
    /// Debian layers below the program.
    pub layers: Vec<String>,
    pub user: String,
}

#[derive(Clone, Debug, Serialize)]
pub enum Program {
    Go {
        binary: String,
    },
    /// A C source file of the module, and flags for gcc.
    C {
        source: String,
        flags: Vec<String>,
    },
}

/// An image layer made of Debian packages.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    pub suite: String,
    pub packages: Vec<String>,
    /// Expressions of the paths that are kept.
    pub keep: Vec<String>,
    /// Symbolic links, from path to target.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
    pub bundle: Option<Bundle>,
}

/// Files that become one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// An expression of their paths.
    pub from: String,
    pub to: String,
}

/// Everything there is to fetch.
#[derive(Clone, Debug, Serialize)]
pub struct Catalog {
    pub components: BTreeMap<String, Component>,
    pub layers: BTreeMap<String, Layer>,
    pub machines: BTreeMap<String, MachineRecipe>,
    pub artifacts: BTreeMap<String, Artifact>,
}

/// The machine image whose parts every other one has, too.
const OURS: &str = "debian-13";

/// The texts of a machine image's recipe.
#[derive(Clone, Debug, Serialize)]
pub struct MachineRecipe {
    /// `vm-images/NAME.yaml`.
    pub packages: String,
    /// `vm-images/NAME.sh`, which makes a disk of the unpacked packages.
    pub script: String,
}

impl Catalog {
    /// The catalog that is part of the program.
    pub fn load() -> Result<Self> {
        Self::parse(include_str!("../../components/catalog.yaml"))
    }

    /// The catalog with the user's own files in `vm-images/`: in the place of ours, and beside them.
    pub fn load_with(assets: &Assets) -> Result<Self> {
        let mut catalog = Self::load()?;
        for file in assets.names_in("vm-images") {
            let Some(name) = file.strip_prefix("vm-images/").and_then(|file| file.strip_suffix(".yaml")) else {
                continue;
            };
            let text =
                |end: &str| Ok::<_, Failure>(assets.read(&format!("vm-images/{name}.{end}"))?.text()?.to_owned());
            let recipe = MachineRecipe { packages: text("yaml")?, script: text("sh")? };
            if catalog.machines.insert(name.to_owned(), recipe).is_none() {
                catalog.add_machine(name);
            }
        }
        Ok(catalog)
    }

    /// The files of a machine image of the user's own: the same as those of ours.
    fn add_machine(&mut self, name: &str) {
        let like_ours = |artifact: &Artifact| {
            let Recipe::Machine { machine, file } = &artifact.recipe else { return None };
            let part = artifact.name.strip_prefix(OURS).filter(|_| machine == OURS)?;
            let recipe = Recipe::Machine { machine: name.to_owned(), file: file.clone() };
            Some(Artifact { name: format!("{name}{part}"), recipe, ..artifact.clone() })
        };
        let parts: Vec<Artifact> = self.artifacts.values().filter_map(like_ours).collect();
        self.artifacts.extend(parts.into_iter().map(|part| (part.name.clone(), part)));
    }

    pub fn parse(text: &str) -> Result<Self> {
        read::parse(text)
    }

    pub fn artifact(&self, name: &str) -> Result<&Artifact> {
        self.artifacts.get(name).ok_or_else(|| self.unknown(name))
    }

    pub fn component(&self, name: &str) -> Result<&Component> {
        self.components.get(name).ok_or_else(|| Failure::other(format!("the catalog has no component `{name}`")))
    }

    pub fn layer(&self, name: &str) -> Result<&Layer> {
        self.layers.get(name).ok_or_else(|| Failure::other(format!("the catalog has no layer `{name}`")))
    }

    pub fn machine(&self, name: &str) -> Result<&MachineRecipe> {
        self.machines.get(name).ok_or_else(|| Failure::other(format!("the catalog has no machine image `{name}`")))
    }

    /// The names of all artifacts, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.artifacts.keys().map(String::as_str)
    }

    fn unknown(&self, name: &str) -> Failure {
        let failure = Failure::invalid(format!("no artifact is named `{name}`"));
        match self.names().max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name))) {
            Some(nearest) => {
                failure.hint(format!("the nearest name is `{nearest}`; `seedbed artifacts list` has them all"))
            }
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_catalog_is_whole() {
        let catalog = Catalog::load().unwrap();
        let kubelet = catalog.artifact("kubelet").unwrap();
        assert_eq!(
            kubelet.published,
            Some(Published::File {
                url: "https://dl.k8s.io/v1.36.3/bin/linux/amd64/kubelet".into(),
                checksum: Some("https://dl.k8s.io/v1.36.3/bin/linux/amd64/kubelet.sha256".into()),
                member: None,
            })
        );
        let etcd = catalog.artifact("etcd").unwrap();
        assert_eq!(etcd.reference.as_deref(), Some("registry.k8s.io/etcd:3.6.5"));
        assert_eq!(etcd.published, Some(Published::Image { reference: "registry.k8s.io/etcd:3.6.5-0".into() }));
    }

    #[test]
    fn a_machine_image_of_the_users_own_has_every_part() {
        let directory = tempfile::tempdir().unwrap();
        let own = directory.path().join("vm-images");
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("mine.yaml"), "suite: trixie\n").unwrap();
        let missing = Catalog::load_with(&Assets::beside(directory.path())).unwrap_err();
        assert!(missing.what.contains("vm-images/mine.sh"), "{missing:?}");
        std::fs::write(own.join("mine.sh"), "true\n").unwrap();
        let catalog = Catalog::load_with(&Assets::beside(directory.path())).unwrap();
        for part in ["disk", "kernel", "initrd"] {
            let artifact = catalog.artifact(&format!("mine-{part}")).unwrap();
            assert!(matches!(&artifact.recipe, Recipe::Machine { machine, .. } if machine == "mine"));
        }
        assert_eq!(catalog.machine("mine").unwrap().script, "true\n");
        assert!(catalog.artifact("debian-13-disk").is_ok());
    }

    #[test]
    fn every_image_has_a_full_reference_that_is_never_latest() {
        let catalog = Catalog::load().unwrap();
        for artifact in catalog.artifacts.values().filter(|artifact| artifact.kind == Kind::Image) {
            let reference = artifact.reference.as_deref().expect("an image has a reference");
            let (host, rest) = reference.split_once('/').expect("a reference has a host");
            assert!(host.contains('.'), "{reference}");
            assert!(rest.contains(':') && !rest.ends_with(":latest"), "{reference}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let failure = Catalog::load().unwrap().artifact("kubelt").unwrap_err();
        assert!(failure.hints[0].contains("`kubelet`"), "{failure:?}");
    }
}
