//! `slurp`: reads a file, as base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::arg::{RemotePath, arguments};
use super::{Outcome, access};
use crate::failure::{Failure, Result};
use crate::host::HostView;

arguments! {
    /// Arguments of `slurp`.
    Args {
        /// The file.
        src ("path"): RemotePath,
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let path = access::absolute(host, &args.src).await?;
    let Some(content) = host.read(path.as_str()).await? else {
        return Err(Failure::step(format!("{path} does not exist")));
    };
    Ok(Outcome::unchanged().with("content", STANDARD.encode(content)).with("encoding", "base64").with("source", path))
}
