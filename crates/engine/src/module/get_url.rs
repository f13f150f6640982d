//! `get_url`: downloads a file, on the host.

use super::arg::{Flag, Mode, RemotePath, arguments};
use super::attributes::Wanted;
use super::{Outcome, access};
use crate::failure::{Failure, Result};
use crate::host::{Attributes, Change, Command, FileKind, HostView, Stat, quote};

arguments! {
    /// Arguments of `get_url`.
    Args {
        /// Where it is.
        url: String,
        /// Where it goes; a directory keeps the URL's last name.
        dest: RemotePath,
        /// The sha256 as `sha256:HEX`, or as `sha256:URL` of a list of checksums.
        checksum: Option<String>,
        /// The owner's name.
        owner: Option<String>,
        /// The group's name.
        group: Option<String>,
        /// The mode.
        mode: Option<Mode>,
        /// Whether a file that is there is fetched again, if no checksum says that it is right.
        force: Flag = Flag(false),
        /// Seconds until a connection is given up.
        timeout: u64 = 10,
        /// Whether the server's certificate must be valid.
        validate_certs: Flag = Flag(true),
        /// Headers of the request.
        headers: Option<serde_json::Value>,
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let dest = destination(args, host).await?;
    let wanted = Wanted { owner: args.owner.as_ref(), group: args.group.as_ref(), mode: args.mode.as_ref() };
    let there = host.stat(dest.as_str()).await?;
    let sum = match &args.checksum {
        Some(checksum) => Some(checksum_of(checksum, args, host).await?),
        None => None,
    };
    let outcome = |changed| Outcome::changed(changed).with("dest", dest.as_str()).with("url", args.url.as_str());
    if let Some(stat) = there.as_ref().filter(|stat| stat.kind == FileKind::File) {
        let right = match &sum {
            Some(sum) => stat.sha256.as_ref() == Some(sum),
            None => !args.force.0,
        };
        if right {
            let Some(attributes) = wanted.missing(stat) else { return Ok(outcome(false)) };
            host.apply(Change::Attributes { path: dest.clone(), attributes, recurse: false }).await?;
            return Ok(outcome(true));
        }
    }
    access::must(host, Command::shell(script(args, &dest, sum.as_deref()))).await?;
    let bits = there.map_or(0o644, |stat| stat.mode);
    let attributes = wanted.of_new(bits, false);
    if attributes != Attributes::default() {
        host.apply(Change::Attributes { path: dest.clone(), attributes, recurse: false }).await?;
    }
    Ok(outcome(true))
}

async fn destination(args: &Args, host: &mut HostView<'_>) -> Result<String> {
    let dest = access::absolute(host, &args.dest).await?;
    let path = args.url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let directory = args.dest.ends_with('/')
        || matches!(access::followed(host, &dest).await?, Some(Stat { kind: FileKind::Directory, .. }));
    Ok(if directory { format!("{}/{name}", dest.trim_end_matches('/')) } else { dest })
}

/// The sha256 in hexadecimal, from a list on the web if need be.
async fn checksum_of(checksum: &str, args: &Args, host: &mut HostView<'_>) -> Result<String> {
    let Some(sum) = checksum.strip_prefix("sha256:") else {
        return Err(Failure::step(format!("the checksum `{checksum}` is no sha256")).hint("write `sha256:...`"));
    };
    if !sum.contains("://") {
        return Ok(sum.trim().to_lowercase());
    }
    let list = access::ask(host, Command::shell(format!("{} {}", fetch(args), quote(sum)))).await?.stdout_text();
    let name = args.url.rsplit('/').next().unwrap_or_default();
    let of_line = |line: &str| {
        let mut words = line.split_whitespace();
        let (sum, file) = (words.next()?, words.next().unwrap_or(name));
        (file.trim_start_matches(['*', '.', '/']) == name).then(|| sum.to_lowercase())
    };
    list.lines().find_map(of_line).ok_or_else(|| Failure::step(format!("{sum} has no checksum of {name}")))
}

/// The command that prints a URL's content.
fn fetch(args: &Args) -> String {
    let mut words = format!("curl -fsSL --retry 3 --connect-timeout {}", args.timeout);
    if !args.validate_certs.0 {
        words += " --insecure";
    }
    if let Some(serde_json::Value::Object(headers)) = &args.headers {
        for (name, value) in headers {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            words.push_str(" --header ");
            words.push_str(&quote(&format!("{name}: {value}")));
        }
    }
    words
}

/// Downloads beside the file, compares, and renames.
fn script(args: &Args, dest: &str, sum: Option<&str>) -> String {
    let check = sum.map_or(String::new(), |sum| {
        format!(
            "s=$(sha256sum <\"$t\"); s=${{s%% *}}\n\
             [ \"$s\" = {sum} ] || {{ echo \"its sha256 is $s, not {sum}\" >&2; exit 1; }}\n",
            sum = quote(sum)
        )
    });
    format!(
        "d={dest}; t=\"$d.part\"\n\
         trap 'rm -f \"$t\"' EXIT\n\
         {fetch} -o \"$t\" {url} || exit 1\n\
         {check}mv -f \"$t\" \"$d\"",
        dest = quote(dest),
        fetch = fetch(args),
        url = quote(&args.url),
    )
}
