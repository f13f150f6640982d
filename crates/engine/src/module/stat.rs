//! `stat`: a file's attributes, as `register` keeps them in `stat`.

use serde_json::{Map, Value as Json};

use super::arg::{Flag, RemotePath, arguments};
use super::{Outcome, access};
use crate::failure::Result;
use crate::host::{FileKind, HostView};

arguments! {
    /// Arguments of `stat`.
    Args {
        /// The path.
        path ("dest", "name"): RemotePath,
        /// Whether a link is followed.
        follow: Flag = Flag(false),
        /// Whether the checksum is wanted.
        get_checksum: Flag = Flag(true),
        /// Accepted; the checksum is always a sha256.
        checksum_algorithm ("checksum", "checksum_algo"): Option<String>,
        /// Accepted; the type of content is never looked for.
        get_mime: Flag = Flag(false),
        /// Accepted; attributes of the file system are never looked for.
        get_attributes: Flag = Flag(false),
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let path = access::absolute(host, &args.path).await?;
    let stat = if args.follow.0 { access::followed(host, &path).await? } else { host.stat(path.as_str()).await? };
    let mut result = Map::new();
    let mut put = |name: &str, value: Json| {
        result.insert(name.to_owned(), value);
    };
    put("exists", stat.is_some().into());
    if let Some(stat) = stat {
        put("path", path.into());
        put("mode", format!("{:04o}", stat.mode).into());
        put("isdir", (stat.kind == FileKind::Directory).into());
        put("isreg", (stat.kind == FileKind::File).into());
        put("islnk", (stat.kind == FileKind::Link).into());
        put("size", stat.size.into());
        put("mtime", stat.modified.into());
        put("uid", stat.uid.into());
        put("gid", stat.gid.into());
        put("pw_name", stat.owner.into());
        put("gr_name", stat.group.into());
        put("executable", (stat.mode & 0o111 != 0).into());
        put("readable", (stat.mode & 0o444 != 0).into());
        put("writeable", (stat.mode & 0o222 != 0).into());
        if let Some(target) = stat.target {
            put("lnk_target", target.clone().into());
            put("lnk_source", target.into());
        }
        if let Some(sha256) = stat.sha256.filter(|_| args.get_checksum.0) {
            put("checksum", sha256.into());
        }
    }
    Ok(Outcome::unchanged().with("stat", result))
}
