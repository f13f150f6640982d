//! What every phase on a host stands on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::asset::{Asset, Assets as Files};
use engine::failure::{Failure, Result};
use engine::place::Place;
use engine::template::{self, Layer, Level, Scope};
use engine::wait::Patience;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::uncut::{Held, Uncut};
use crate::artifact::{Bit, Bits, Kind, place};
use crate::assets::{Assets, FOLDERS};
use crate::identity::Identity;
use crate::plan::{NodePlan, Pace, Plan};

/// What the phases on hosts read; none of it changes during a run.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub plan: &'a Plan,
    pub identity: &'a Identity,
    pub assets: &'a Assets,
    pub bits: &'a NodeBits,
    /// Cancelled when the run is to end: no further task begins.
    pub token: &'a CancellationToken,
    /// Holds what another path's failure must not cut.
    pub uncut: &'a Uncut,
}

/// What nodes get, as plain data.
#[derive(Clone, Debug, Default)]
pub struct NodeBits {
    /// The full reference of each image, by the name of its archive: `pause` of `images/pause.tar`.
    pub images: BTreeMap<String, String>,
    /// What is sent to machines that exist, which have no disk of bits.
    pub files: Vec<BitFile>,
}

/// A file of the disk of bits.
#[derive(Clone, Debug)]
pub struct BitFile {
    /// Its path on the disk: `bin/kubelet`.
    pub place: String,
    pub source: PathBuf,
    pub mode: u32,
    /// Hexadecimal.
    pub sha256: String,
}

impl NodeBits {
    /// What nodes get of the artifacts; `files` too where machines have no disk of bits.
    pub fn of(bits: &Bits) -> Self {
        let images = bits.iter().filter_map(|bit| Some((bit.name.clone(), bit.reference.clone()?))).collect();
        let file = |bit: &Bit| {
            let mode = if bit.kind == Kind::Image { 0o444 } else { 0o755 };
            Some(BitFile { place: place(bit)?, source: bit.path.clone(), mode, sha256: bit.digest.clone() })
        };
        Self { images, files: bits.iter().filter_map(file).collect() }
    }

    /// An image's reference; the catalog has it for every component that is asked for.
    pub fn image(&self, name: &str) -> Result<&str> {
        let found = self.images.get(name).map(String::as_str);
        found.ok_or_else(|| Failure::other(format!("there is no image `{name}` among the bits")))
    }
}

impl Ground<'_> {
    pub fn emulated(&self) -> bool {
        self.plan.pace == Pace::Emulated
    }

    /// Begins what another path's failure must not cut, unless the run is over.
    pub fn begin_uncut(&self) -> Result<Held<'_>> {
        if self.token.is_cancelled() { Err(Failure::interrupted()) } else { Ok(self.uncut.begin()) }
    }

    /// Some seconds, or four times as many on an emulated machine.
    pub fn patience(&self, seconds: u64) -> Patience {
        let factor = if self.emulated() { 4 } else { 1 };
        Patience::for_seconds(seconds * factor)
    }

    /// The same as a plain time.
    pub fn time(&self, seconds: u64) -> Duration {
        self.patience(seconds).deadline
    }

    /// What seedbed's own templates and playbooks may name, for a node.
    pub fn variables(&self, node: &NodePlan) -> Map<String, Value> {
        let kubernetes = &self.plan.kubernetes;
        let Value::Object(variables) = json!({
            "cluster": self.plan.cluster,
            "node": {"name": node.name, "address": node.address, "role": node.role},
            "emulated": self.emulated(),
            "single": self.plan.single(),
            "version": kubernetes.version,
            "endpoint": kubernetes.endpoint,
            "port": kubernetes.port,
            "pod_network": kubernetes.pod_network,
            "service_network": kubernetes.service_network,
            "images": self.bits.images,
        }) else {
            return Map::new();
        };
        variables
    }

    /// Renders a file of `templates/` as text.
    pub fn render(&self, name: &str, variables: Map<String, Value>) -> Result<String> {
        let asset = self.assets.read(&format!("templates/{name}"))?;
        let scope = Scope::default().with(Level::Extra, Layer::data(variables).into());
        template::render(asset.text()?, &Place::file(asset.origin.to_string()), &scope.context())
    }
}

/// The engine reads the same files, and by their paths those that the spec names.
impl Files for Assets {
    fn read(&self, name: &str) -> Result<Asset> {
        let path = Path::new(name);
        let embedded = FOLDERS.iter().any(|folder| path.starts_with(folder));
        if !embedded && path.is_file() {
            let bytes = std::fs::read(path)
                .map_err(|error| Failure::invalid(format!("{name} cannot be read")).because(&error))?;
            return Ok(Asset { bytes: bytes.into(), origin: name.to_owned() });
        }
        let asset = Self::read(self, name)?;
        Ok(Asset { origin: asset.origin.to_string(), bytes: asset.bytes })
    }
}
