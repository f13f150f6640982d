//! The gitops section.

use schemars::JsonSchema;

use crate::spec::cluster;
use crate::spec::problems::Problems;
use crate::spec::read::{Named, Placed, Read, record, words, wrong_type};
use crate::spec::tree::{Node as Tree, Value};
use crate::spec::value::Label;

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
        /// Secrets that are in the cluster before its first sync. Their values are never in the spec.
        secrets: Vec<Placed<Secret>>,
        /// How Flux decrypts what the repository holds encrypted with SOPS.
        decryption: Decryption,
    }
}

record! {
    /// A Secret whose values are read on this workstation by each `up`, and go nowhere but to the cluster's API.
    Secret {
        /// Its name.
        #[schemars(required, example = "sops-age")]
        name: String,
        /// Its namespace, made if it is missing. Default: flux-system.
        namespace: Label,
        /// Its type. Default: Opaque.
        #[schemars(example = "kubernetes.io/dockerconfigjson")]
        r#type: String,
        /// Where the value of each of its keys is read from.
        #[schemars(required, example = serde_json::json!({"age.agekey": {"file": "~/.config/sops/age/keys.txt"}}))]
        data: Named<SecretSource>,
    }
}

record! {
    /// Where a secret's value is read from: one of the three. The value itself is never in the spec.
    SecretSource {
        /// The name of an environment variable.
        env: String,
        /// A file, taken as it is.
        file: String,
        /// A program and its arguments, run without a shell; its output is the value, without a final newline.
        #[schemars(example = ["pass", "show", "registry"])]
        command: Vec<Placed<String>>,
    }
}

record! {
    /// How Flux decrypts: the first Kustomization with this Secret, and others that say `provider: sops`.
    Decryption {
        /// The name of the Secret in flux-system that holds age keys, each under a key that ends with .agekey.
        #[schemars(required, example = "sops-age")]
        secret: String,
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
