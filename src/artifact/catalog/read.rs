//! Reads the catalog's YAML into its types.

use std::collections::BTreeMap;

use engine::failure::{Failure, Result};
use serde::Deserialize;

use super::{Artifact, Catalog, Component, ImageRecipe, Kind, Layer, MachineRecipe, Program, Published, Recipe};
use crate::artifact::recipe;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    components: BTreeMap<String, WrittenComponent>,
    layers: BTreeMap<String, Layer>,
    machines: BTreeMap<String, WrittenMachine>,
    artifacts: BTreeMap<String, WrittenArtifact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenComponent {
    module: String,
    version: String,
    license: String,
    #[serde(default)]
    cgo: bool,
    #[serde(default)]
    link: String,
    packages: Vec<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMachine {
    version: String,
    license: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenArtifact {
    kind: Kind,
    component: Option<String>,
    machine: Option<String>,
    version: Option<String>,
    file: Option<String>,
    /// The program among the component's, where its name is not the file's.
    binary: Option<String>,
    files: Option<String>,
    reference: Option<String>,
    upstream: Option<WrittenPublished>,
    image: Option<WrittenImage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPublished {
    url: Option<String>,
    checksum: Option<String>,
    member: Option<String>,
    image: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenImage {
    binary: Option<String>,
    source: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
    path: String,
    #[serde(default)]
    layers: Vec<String>,
    user: Option<String>,
}

/// What stands for `{name}`, `{file}`, `{component}`, `{version}` and `{bare}`.
struct Words<'a> {
    name: &'a str,
    file: &'a str,
    component: &'a str,
    version: &'a str,
}

impl Words<'_> {
    fn fill(&self, text: &str) -> String {
        text.replace("{name}", self.name)
            .replace("{file}", self.file)
            .replace("{component}", self.component)
            .replace("{version}", self.version)
            .replace("{bare}", self.version.trim_start_matches('v'))
    }
}

pub(super) fn parse(text: &str) -> Result<Catalog> {
    let written: Written = serde_saphyr::from_str(text)
        .map_err(|error| Failure::other("components/catalog.yaml does not parse").cause(error))?;
    let components: BTreeMap<String, Component> = written
        .components
        .into_iter()
        .map(|(name, component)| (name.clone(), component.into_component(name)))
        .collect();
    let artifacts = written.artifacts.into_iter().map(|(name, artifact)| {
        let artifact = artifact.into_artifact(&name, &components, &written.machines)?;
        Ok((name, artifact))
    });
    let artifacts = artifacts.collect::<Result<BTreeMap<_, _>>>()?;
    let machines = written.machines.keys().map(|name| {
        let text = |extension: &str| recipe::file(&format!("vm-images/{name}.{extension}")).map(str::to_owned);
        Ok((name.clone(), MachineRecipe { packages: text("yaml")?, script: text("sh")? }))
    });
    let machines = machines.collect::<Result<_>>()?;
    Ok(Catalog { components, layers: written.layers, machines, artifacts })
}

impl WrittenComponent {
    fn into_component(self, name: String) -> Component {
        Component {
            module: self.module,
            version: self.version,
            license: self.license,
            cgo: self.cgo,
            link: self.link,
            packages: self.packages,
            source: self.source.unwrap_or_else(|| name.clone()),
            name,
        }
    }
}

impl WrittenArtifact {
    fn into_artifact(
        self,
        name: &str,
        components: &BTreeMap<String, Component>,
        machines: &BTreeMap<String, WrittenMachine>,
    ) -> Result<Artifact> {
        let wrong = |what: &str| Failure::other(format!("components/catalog.yaml: artifact `{name}`: {what}"));
        let usual = if self.kind == Kind::Manifest { format!("{name}.yaml") } else { name.to_owned() };
        let file = self.file.clone().unwrap_or(usual);
        if let Some(machine) = &self.machine {
            let known = machines.get(machine).ok_or_else(|| wrong("its machine is not in the catalog"))?;
            return Ok(Artifact {
                name: name.to_owned(),
                kind: self.kind,
                version: known.version.clone(),
                license: known.license.clone(),
                reference: None,
                published: None,
                recipe: Recipe::Machine { machine: machine.clone(), file: file.clone() },
                file,
            });
        }
        let component = self.component.as_deref().ok_or_else(|| wrong("it has neither a component nor a machine"))?;
        let component = component.replace("{name}", name);
        let component = components.get(&component).ok_or_else(|| wrong("its component is not in the catalog"))?;
        let version = self.version.clone().unwrap_or_else(|| component.version.clone());
        let words = Words { name, file: &file, component: &component.name, version: &version };
        let reference = self.reference.as_deref().map(|reference| words.fill(reference));
        let published =
            self.upstream.map(|published| published.into_published(&words)).transpose().map_err(|what| wrong(&what))?;
        let own = component.is_own();
        let published =
            published.or_else(|| reference.clone().filter(|_| !own).map(|reference| Published::Image { reference }));
        let recipe = match (self.kind, self.image, self.files) {
            (Kind::Image, Some(image), None) => Recipe::Image(image.into_recipe(&words).map_err(|what| wrong(&what))?),
            (Kind::Manifest, None, Some(pattern)) => Recipe::Files { component: component.name.clone(), pattern },
            (Kind::Binary | Kind::Plugin | Kind::Tool, None, None) => {
                let binary = self.binary.unwrap_or_else(|| file.clone());
                Recipe::Binary { component: component.name.clone(), binary }
            }
            _ => return Err(wrong("its kind does not go with its keys")),
        };
        let license = component.license.clone();
        Ok(Artifact { name: name.to_owned(), kind: self.kind, file, license, reference, published, recipe, version })
    }
}

impl WrittenPublished {
    fn into_published(self, words: &Words<'_>) -> Result<Published, String> {
        let fill = |text: Option<String>| text.map(|text| words.fill(&text));
        match (self.url, self.image) {
            (Some(url), None) => {
                Ok(Published::File { url: words.fill(&url), checksum: fill(self.checksum), member: fill(self.member) })
            }
            (None, Some(image)) => Ok(Published::Image { reference: words.fill(&image) }),
            _ => Err("upstream has either a url or an image".to_owned()),
        }
    }
}

impl WrittenImage {
    fn into_recipe(self, words: &Words<'_>) -> Result<ImageRecipe, String> {
        let program = match (self.binary, self.source) {
            (Some(binary), None) => Program::Go { binary: words.fill(&binary) },
            (None, Some(source)) => Program::C { source, flags: self.flags },
            _ => return Err("an image has either a binary or a source".to_owned()),
        };
        Ok(ImageRecipe {
            component: words.component.to_owned(),
            program,
            path: words.fill(&self.path),
            layers: self.layers,
            user: self.user.unwrap_or_else(|| "0:0".to_owned()),
        })
    }
}
