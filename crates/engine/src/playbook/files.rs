//! Where a task's files are looked for: in `templates/` or `files/`, and beside the playbook.

use crate::asset::{self, Asset, Assets};
use crate::failure::{Failure, Result};

/// The directory of templates.
pub const TEMPLATES: &str = "templates";
/// The directory of files that are copied as they are.
pub const FILES: &str = "files";

/// The directory in which a module's `src` is looked for.
pub fn kind(module: &str) -> Option<&'static str> {
    match module {
        "template" => Some(TEMPLATES),
        "copy" | "unarchive" => Some(FILES),
        _ => None,
    }
}

/// Reads a task's file: beside the playbook, or in the directory of its kind, there or above.
pub fn read(assets: &dyn Assets, playbook: &str, kind: &str, src: &str) -> Result<Asset> {
    if src.starts_with('/') {
        return assets.read(src);
    }
    let directory = playbook.rsplit_once('/').map_or(String::new(), |(directory, _)| format!("{directory}/"));
    let bare = src.strip_prefix(&format!("{kind}/")).unwrap_or(src);
    let mut names = vec![format!("{kind}/{bare}"), format!("{directory}{kind}/{bare}"), format!("{directory}{src}")];
    names.push(src.to_owned());
    names.dedup();
    asset::first(assets, &names).map_err(|failure| Failure::invalid(format!("there is no file `{src}`")).cause(failure))
}
