//! What machines and nodes are made of: from the store to where libvirt reads it.

use engine::event::{Step, StepId};
use engine::failure::Result;

use super::Up;
use crate::artifact::{self, Bits, Catalog, Lock, Store};
use crate::machine::{self, Disk, Format, Image};
use crate::phase::Phase;
use crate::phase::ground::NodeBits;

/// Everything is in the store, and what the machines share is made.
#[derive(Debug)]
pub struct Made {
    pub bits: Bits,
    /// What nodes get of it.
    pub node: NodeBits,
    /// None where all machines exist.
    pub ground: Option<machine::Ground>,
    /// The step that made it.
    pub step: StepId,
    /// Keeps it in the store meanwhile.
    _held: Lock,
}

impl Up<'_> {
    /// Fills the store, then makes what the machines share: network, pools, base image, disk of bits.
    pub(super) async fn bits(&self) -> Result<()> {
        let catalog = Catalog::load_with(self.assets)?;
        let store = Store::of_user()?;
        let held = store.hold(self.step).await?;
        let (bits, step) = self
            .phase(Phase::Artifacts, &self.plan.cluster, &[], async |step| {
                let wanted = artifact::needed(&catalog, self.cluster)?;
                let bits = store.ensure(&catalog, &wanted, &self.cluster.artifacts, step).await?;
                Ok((bits, false))
            })
            .await?;
        if self.until < Phase::Machines {
            return Ok(());
        }
        let existing = self.known.provider.is_none();
        let node = NodeBits::of(&bits);
        let (ground, step) = if existing {
            (None, step)
        } else {
            let work = async |step: &Step| Ok((self.shared(&store, &bits, step).await?, false));
            let (ground, step) = self.phase(Phase::Machines, "libvirt", &[step], work).await?;
            (ground, step)
        };
        self.bits.keep(Made { bits, node, ground, step, _held: held });
        Ok(())
    }

    async fn shared(&self, store: &Store, bits: &Bits, step: &Step) -> Result<Option<machine::Ground>> {
        let Some(provider) = &self.known.provider else { return Ok(None) };
        let path = artifact::bits_disk(store, bits, step).await?;
        // In the store, a file's name is its digest.
        let digest = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let disk = Disk { name: "bits".into(), path, digest };
        let image = image(&self.plan.image, bits)?;
        provider.prepare(self.plan, &image, Some(&disk), step).await.map(Some)
    }
}

/// The machine image of a name: its disk, and the kernel and initrd that boot it without a boot loader.
fn image(name: &str, bits: &Bits) -> Result<Image> {
    let part = |part: &str| -> Result<Disk> {
        let bit = bits.get(&format!("{name}-{part}"))?;
        Ok(Disk { name: bit.name.clone(), path: bit.path.clone(), digest: bit.digest.clone() })
    };
    let disk = part("disk")?;
    Ok(Image {
        format: Format::of_file(&disk.path)?,
        disk,
        kernel: Some((part("kernel")?, part("initrd")?)),
        arguments: "root=LABEL=root rw console=ttyS0".into(),
    })
}
