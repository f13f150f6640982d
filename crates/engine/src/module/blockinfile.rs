//! `blockinfile`: sees to lines between two marks in a file.

use super::arg::{Flag, Mode, RemotePath, arguments, choice};
use super::edit::{self, Edit};
use super::{Outcome, access};
use crate::failure::Result;
use crate::host::HostView;

choice! {
    /// Whether the block is to be there.
    State {
        /// It is.
        Present = "present",
        /// It is not.
        Absent = "absent",
    }
}

arguments! {
    /// Arguments of `blockinfile`.
    Args {
        /// The file.
        path ("dest", "destfile", "name"): RemotePath,
        /// The lines; none takes the block away.
        block ("content"): Option<String>,
        /// The line before and after; `{mark}` is BEGIN or END.
        marker: String = "# {mark} ANSIBLE MANAGED BLOCK".to_owned(),
        /// What stands for `{mark}` before.
        marker_begin: String = "BEGIN".to_owned(),
        /// What stands for `{mark}` after.
        marker_end: String = "END".to_owned(),
        /// Whether the block is to be there.
        state: State = State::Present,
        /// Whether a file is made if there is none.
        create: Flag = Flag(false),
        /// A new block goes after the last line that matches this; `EOF` is the end.
        insertafter: Option<String>,
        /// A new block goes before the last line that matches this; `BOF` is the beginning.
        insertbefore: Option<String>,
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
    let gone = args.state == State::Absent || args.block.as_deref().unwrap_or_default().is_empty();
    let Some(before) = there.as_ref().map_or(args.create.0.then_some(""), |(_, text)| Some(text)) else {
        return if gone { Ok(Outcome::unchanged()) } else { Err(edit::absent(&path)) };
    };
    let after = edited(args, gone, before)?;
    file.write(there, &after, host).await
}

/// The text as it is to be.
fn edited(args: &Args, gone: bool, before: &str) -> Result<String> {
    let begin = args.marker.replace("{mark}", &args.marker_begin);
    let end = args.marker.replace("{mark}", &args.marker_end);
    let mut lines: Vec<&str> = before.lines().collect();
    let first = lines.iter().position(|line| *line == begin);
    let last = lines.iter().rposition(|line| *line == end);
    let mut at = None;
    if let (Some(first), Some(last)) = (first, last) {
        let (first, last) = (first.min(last), first.max(last));
        lines.drain(first..=last);
        at = Some(first);
    }
    if !gone {
        let at = match at {
            Some(at) => at,
            None => insertion(args, &lines)?,
        };
        let block = args.block.as_deref().unwrap_or_default().lines();
        lines.splice(at..at, std::iter::once(begin.as_str()).chain(block).chain([end.as_str()]));
    } else if at.is_none() {
        return Ok(before.to_owned());
    }
    Ok(lines.iter().flat_map(|line| [line, "\n"]).collect())
}

/// Where a new block goes.
fn insertion(args: &Args, lines: &[&str]) -> Result<usize> {
    let find = |pattern: &str| -> Result<Option<usize>> {
        let pattern = edit::pattern(pattern)?;
        Ok(lines.iter().rposition(|line| pattern.is_match(line)))
    };
    Ok(match (args.insertbefore.as_deref(), args.insertafter.as_deref()) {
        (Some("BOF"), _) => 0,
        (Some(pattern), _) => find(pattern)?.unwrap_or(lines.len()),
        (None, Some("EOF") | None) => lines.len(),
        (None, Some(pattern)) => find(pattern)?.map_or(lines.len(), |at| at + 1),
    })
}
