//! Owner, group and mode as tasks want them.

use super::arg::Mode;
use crate::host::{Attributes, FileKind, Stat};

/// What a task wants; what is `None` stays as it is.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub owner: Option<&'a String>,
    pub group: Option<&'a String>,
    pub mode: Option<&'a Mode>,
}

impl Wanted<'_> {
    /// The attributes of something new, which has these bits without anyone's wish.
    pub fn of_new(&self, bits: u32, directory: bool) -> Attributes {
        Attributes {
            owner: self.owner.cloned(),
            group: self.group.cloned(),
            mode: self.mode.map(|mode| mode.of(bits, directory)),
        }
    }

    /// What of it differs from what is there; `None` if nothing does.
    pub fn missing(&self, stat: &Stat) -> Option<Attributes> {
        let owner = self.owner.filter(|owner| **owner != stat.owner && owner.parse() != Ok(stat.uid));
        let group = self.group.filter(|group| **group != stat.group && group.parse() != Ok(stat.gid));
        let directory = stat.kind == FileKind::Directory;
        let mode = self.mode.map(|mode| mode.of(stat.mode, directory)).filter(|mode| *mode != stat.mode);
        let any = owner.is_some() || group.is_some() || mode.is_some();
        any.then(|| Attributes { owner: owner.cloned(), group: group.cloned(), mode })
    }
}
