//! The registry section.

use schemars::JsonSchema;

use crate::spec::problems::Problems;
use crate::spec::read::{Read, record, wrong_type};
use crate::spec::tree::{Node as Tree, Value};
use crate::spec::value::Size;

/// Where images of your own are kept.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Registry {
    Embedded(EmbeddedWord),
    Sized(EmbeddedRegistry),
}

/// On the first control plane, over HTTPS.
#[derive(Clone, Copy, Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum EmbeddedWord {
    Embedded,
}

record! {
    /// On the first control plane, with a word about its data.
    EmbeddedRegistry {
        /// Where its images lie.
        #[schemars(required)]
        embedded: RegistryData,
    }
}

record! {
    /// Where the registry's images lie.
    RegistryData {
        /// The size of its volume, which takes only the room that is used. Default: 20GiB.
        #[schemars(example = "50GiB")]
        size: Size,
    }
}

impl Read for Registry {
    fn read(node: &Tree, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.value {
            Value::Mapping(_) => EmbeddedRegistry::read(node, problems).map(Self::Sized),
            Value::Scalar { text, .. } if text == "embedded" => Some(Self::Embedded(EmbeddedWord::Embedded)),
            _ => {
                wrong_type(node, "`embedded` or `{embedded: {size: SIZE}}`", problems);
                None
            }
        }
    }
}
