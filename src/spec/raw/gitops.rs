//! The gitops section.

use schemars::JsonSchema;

use crate::spec::cluster;
use crate::spec::problems::Problems;
use crate::spec::read::{Read, record, words, wrong_type};
use crate::spec::tree::{Node as Tree, Value};

record! {
    /// The repository that the cluster is synced to.
    Gitops {
        /// A directory or a Git repository on this workstation; what is in it is seeded.
        #[schemars(required, example = "./gitops")]
        source: String,
        /// The branch to seed and to follow. Default: main.
        branch: String,
        /// The folder in the repository that Flux applies first. Default: clusters/ and the cluster's name.
        #[schemars(example = "clusters/quickstart")]
        path: String,
        /// `embedded` puts the repository on the control plane; a URL names one elsewhere. Default: embedded.
        host: Host,
        /// What becomes of changes that are not committed: `warn` leaves them out, `include` seeds a commit with them. Default: warn.
        dirty: Dirty,
    }
}

/// Where the repository is served.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Host {
    Embedded(Embedded),
    Url(UrlHost),
}

/// On the first control plane, over SSH.
#[derive(Clone, Copy, Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Embedded {
    Embedded,
}

record! {
    /// A repository elsewhere.
    UrlHost {
        /// `ssh://` or `https://`.
        #[schemars(required, example = "ssh://git@git.example.org/platform/cluster.git")]
        url: String,
        /// Where the private key or the token is read from.
        credentials: Credentials,
    }
}

record! {
    /// Where a credential is read from: one of the two. The credential itself is never in the spec.
    Credentials {
        /// The name of an environment variable.
        env: String,
        /// A file.
        file: String,
    }
}

impl Read for Host {
    fn read(node: &Tree, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.value {
            Value::Mapping(_) => UrlHost::read(node, problems).map(Self::Url),
            Value::Scalar { text, .. } if text == "embedded" => Some(Self::Embedded(Embedded::Embedded)),
            _ => {
                wrong_type(node, "`embedded` or `{url: URL}`", problems);
                None
            }
        }
    }
}

words! {
    /// What becomes of changes that are not committed.
    Dirty {
        Warn = "warn" => Self::Warn,
        Include = "include" => Self::Include,
    } -> cluster::Dirty
}
