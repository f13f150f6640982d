//! `lineinfile`: sees to one line of a file.

use regex::Regex;

use super::arg::{Flag, Mode, RemotePath, arguments, choice};
use super::edit::{self, Edit};
use super::{Outcome, access};
use crate::failure::{Failure, Result};
use crate::host::HostView;

choice! {
    /// Whether the line is to be there.
    State {
        /// It is.
        Present = "present",
        /// It is not.
        Absent = "absent",
    }
}

arguments! {
    /// Arguments of `lineinfile`.
    Args {
        /// The file.
        path ("dest", "destfile", "name"): RemotePath,
        /// The line.
        line ("value"): Option<String>,
        /// Which line it replaces: the last that matches.
        regexp ("regex"): Option<String>,
        /// Which line it replaces: the last that contains this.
        search_string: Option<String>,
        /// Whether the line is to be there.
        state: State = State::Present,
        /// Whether a file is made if there is none.
        create: Flag = Flag(false),
        /// Whether groups of `regexp` are put into the line.
        backrefs: Flag = Flag(false),
        /// A new line goes after the last line that matches this; `EOF` is the end.
        insertafter: Option<String>,
        /// A new line goes before the last line that matches this; `BOF` is the beginning.
        insertbefore: Option<String>,
        /// Whether the first line that matches counts, not the last.
        firstmatch: Flag = Flag(false),
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
    let Some(before) = there.as_ref().map_or(args.create.0.then_some(""), |(_, text)| Some(text)) else {
        return if args.state == State::Absent { Ok(Outcome::unchanged()) } else { Err(edit::absent(&path)) };
    };
    let after = edited(args, before)?;
    file.write(there, &after, host).await
}

/// The text as it is to be.
fn edited(args: &Args, before: &str) -> Result<String> {
    let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
    let sought = args.regexp.as_deref().map(edit::pattern).transpose()?;
    let ours = |line: &str| match (&sought, &args.search_string) {
        (Some(sought), _) => sought.is_match(line),
        (None, Some(part)) => line.contains(part.as_str()),
        (None, None) => args.line.as_deref() == Some(line),
    };
    if args.state == State::Absent {
        lines.retain(|line| !ours(line));
        return Ok(joined(&lines, before));
    }
    let line = args.line.clone().ok_or_else(|| Failure::step("`line` is missing: the line that is to be there"))?;
    let line = line.trim_end_matches('\n').to_owned();
    let found = place_of(&lines, args.firstmatch.0, ours);
    if let Some(at) = found {
        lines[at] = match &sought {
            Some(sought) if args.backrefs.0 => filled(sought, &lines[at], &line),
            _ => line,
        };
    } else if !args.backrefs.0 && !lines.contains(&line) {
        let at = insertion(args, &lines)?;
        lines.insert(at, line);
    }
    Ok(joined(&lines, before))
}

/// Which of the lines, the first or the last.
fn place_of(lines: &[String], first: bool, ours: impl Fn(&str) -> bool) -> Option<usize> {
    if first { lines.iter().position(|line| ours(line)) } else { lines.iter().rposition(|line| ours(line)) }
}

fn filled(sought: &Regex, old: &str, line: &str) -> String {
    let template = crate::template::replacement(line);
    let mut filled = String::new();
    if let Some(found) = sought.captures(old) {
        found.expand(&template, &mut filled);
    }
    filled
}

/// Where a new line goes.
fn insertion(args: &Args, lines: &[String]) -> Result<usize> {
    let find = |pattern: &str| -> Result<Option<usize>> {
        let pattern = edit::pattern(pattern)?;
        Ok(place_of(lines, args.firstmatch.0, |line| pattern.is_match(line)))
    };
    Ok(match (args.insertbefore.as_deref(), args.insertafter.as_deref()) {
        (Some("BOF"), _) => 0,
        (Some(pattern), _) => find(pattern)?.unwrap_or(lines.len()),
        (None, Some("EOF") | None) => lines.len(),
        (None, Some(pattern)) => find(pattern)?.map_or(lines.len(), |at| at + 1),
    })
}

/// A text of lines; one that ended without a line break keeps that unless it grew at its end.
fn joined(lines: &[String], before: &str) -> String {
    let text = lines.join("\n");
    let unended = !before.is_empty() && !before.ends_with('\n');
    if lines.is_empty() || unended && before.lines().next_back() == lines.last().map(String::as_str) {
        return text;
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::module::arg::{Arguments, Declared, Entry};
    use crate::place::Place;

    fn edit(args: &Value, before: &str) -> String {
        let place = Place::file("x");
        let entries = args.as_object().unwrap().iter().map(|(name, value)| Entry {
            name: name.clone(),
            place: place.clone(),
            value: value.clone(),
            written: None,
        });
        let mut entries: Vec<Entry> = entries.collect();
        entries.push(Entry { name: "path".into(), place: place.clone(), value: json!("/x"), written: None });
        edited(&Args::read(&Arguments { place, entries }).unwrap(), before).unwrap()
    }

    #[test]
    fn a_line_is_replaced_added_or_left() {
        let args = json!({"regexp": "^a=", "line": "a=2"});
        assert_eq!(edit(&args, "a=0\nb\na=1\n"), "a=0\nb\na=2\n");
        assert_eq!(edit(&args, "b\n"), "b\na=2\n");
        assert_eq!(edit(&args, "a=2"), "a=2");
        assert_eq!(edit(&json!({"line": "c"}), "b"), "b\nc\n");
    }

    #[test]
    fn a_line_goes_where_it_is_told() {
        assert_eq!(edit(&json!({"line": "x", "insertbefore": "BOF"}), "a\n"), "x\na\n");
        assert_eq!(edit(&json!({"line": "x", "insertafter": "^a"}), "a\nb\n"), "a\nx\nb\n");
        assert_eq!(edit(&json!({"line": "x", "insertbefore": "^b"}), "a\nb\n"), "a\nx\nb\n");
    }

    #[test]
    fn groups_come_back() {
        let args = json!({"regexp": "^(#?)(swap.*)$", "line": "# \\2", "backrefs": true});
        assert_eq!(edit(&args, "swap x\n"), "# swap x\n");
        assert_eq!(edit(&args, "none\n"), "none\n");
    }

    #[test]
    fn lines_go() {
        assert_eq!(edit(&json!({"regexp": "swap", "state": "absent"}), "swap 1\nb\nswap 2\n"), "b\n");
    }
}
