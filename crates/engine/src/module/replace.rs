//! `replace`: replaces every match of a regular expression in a file.

use super::arg::{Flag, Mode, RemotePath, arguments};
use super::edit::{self, Edit};
use super::{Outcome, access};
use crate::failure::{Failure, Result};
use crate::host::HostView;

arguments! {
    /// Arguments of `replace`.
    Args {
        /// The file.
        path ("dest", "destfile", "name"): RemotePath,
        /// What is replaced; `^` and `$` match at each line.
        regexp: String,
        /// What takes its place; `\\1` is the first group.
        replace: String = String::new(),
        /// Only what follows a match of this.
        after: Option<String>,
        /// Only what precedes a match of this.
        before: Option<String>,
        /// The owner's name.
        owner: Option<String>,
        /// The group's name.
        group: Option<String>,
        /// The mode.
        mode: Option<Mode>,
        /// Whether the file before is kept beside it.
        backup: Flag = Flag(false),
        /// A command that must accept the file; `%s` is its path.
        validate: Option<String>,
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let path = access::absolute(host, &args.path).await?;
    let file = Edit {
        path: &path,
        owner: args.owner.as_ref(),
        group: args.group.as_ref(),
        mode: args.mode.as_ref(),
        backup: args.backup,
        validate: args.validate.as_ref(),
    };
    let there = file.read(host).await?;
    let Some((_, text)) = &there else { return Err(Failure::step(format!("{path} does not exist"))) };
    let after = edited(args, text)?;
    file.write(there, &after, host).await
}

fn edited(args: &Args, text: &str) -> Result<String> {
    let within = |pattern: &str| edit::pattern(&format!("(?s){pattern}"));
    let start = match &args.after {
        Some(after) => within(after)?.find(text).map_or(text.len(), |found| found.end()),
        None => 0,
    };
    let end = match &args.before {
        Some(before) => within(before)?.find(&text[start..]).map_or(start, |found| start + found.start()),
        None => text.len(),
    };
    let sought = edit::pattern(&format!("(?m){}", args.regexp))?;
    let replacement = crate::template::replacement(&args.replace);
    let middle = sought.replace_all(&text[start..end], replacement.as_str());
    Ok(format!("{}{middle}{}", &text[..start], &text[end..]))
}
