//! Hashes that stay the same as long as what they stand for does.

use engine::digest::hexadecimal;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::spec::Cluster;

/// The sha256 of some parts, told apart by their lengths.
pub fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// The sha256 of the spec's meaning, in hexadecimal: not of its file name, place, comments or order of keys.
pub fn spec_hash(cluster: &Cluster) -> String {
    let mut value = serde_json::to_value(cluster).unwrap_or_default();
    if let Value::Object(map) = &mut value {
        map.remove("file");
        map.remove("directory");
        // What is asked of a cluster is no part of what it is.
        map.remove("checks");
        map.remove("evaluate");
    }
    let directory = format!("{}/", cluster.directory.display());
    let canonical = canonical(value, &directory).to_string();
    hexadecimal(&hash(&[canonical.as_bytes()]))
}

/// Sorted keys, and paths as they start from the spec's directory.
fn canonical(value: Value, directory: &str) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().map(|(key, value)| (key, canonical(value, directory))).collect())
        }
        Value::Array(items) => items.into_iter().map(|item| canonical(item, directory)).collect(),
        Value::String(text) => text.strip_prefix(directory).map_or_else(|| text.clone(), str::to_owned).into(),
        other => other,
    }
}
