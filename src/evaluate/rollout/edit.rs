//! Changes one value of a YAML file and leaves every other character as it is.

use engine::failure::{Failure, Result};

use crate::spec::tree::{Meaning, Node, Value, parse};

/// The value that keys lead to.
pub fn value(text: &str, key: &[String]) -> Result<String> {
    let node = find(text, key)?;
    Ok(node.text().unwrap_or_default().to_owned())
}

/// The text with another value there.
pub fn edit(text: &str, key: &[String], to: &str) -> Result<String> {
    let node = find(text, key)?;
    let shown = key.join(".");
    let unsure = || {
        Failure::invalid(format!("the value of {shown} cannot be changed in place"))
            .hint("Write it in one line, plain or quoted, without an anchor.")
    };
    let index = usize::try_from(node.span.line).ok().and_then(|line| line.checked_sub(1)).ok_or_else(unsure)?;
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let line = lines.get_mut(index).ok_or_else(unsure)?;
    let from = usize::try_from(node.span.column).unwrap_or_default().saturating_sub(1);
    let width = usize::try_from(node.span.width).unwrap_or_default();
    let head: String = line.chars().take(from).collect();
    let tail: String = line.chars().skip(from + width).collect();
    let plain = matches!(node.value, Value::Scalar { plain: true, .. }) && is_plain(to);
    *line = if plain { format!("{head}{to}{tail}") } else { format!("{head}\"{to}\"{tail}") };
    let edited = lines.join("\n");
    // What was understood must be what is there now.
    match value(&edited, key) {
        Ok(now) if now == to => Ok(edited),
        _ => Err(unsure()),
    }
}

/// Whether a version without quotes is a text, and not a number: `1.30` must stay `1.30`.
fn is_plain(version: &str) -> bool {
    let alone = parse(version).ok().and_then(|mut documents| documents.pop());
    alone.is_some_and(|node| node.meaning() == Meaning::Text && node.text() == Some(version))
}

/// The one scalar that keys lead to, in the one document that has it.
fn find(text: &str, key: &[String]) -> Result<Node> {
    let shown = key.join(".");
    let documents = parse(text).map_err(|error| Failure::invalid(format!("it is no YAML: {}", error.what)))?;
    let mut found: Vec<Node> = documents.iter().filter_map(|document| below(document, key)).cloned().collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::invalid(format!("there is no value {shown}"))
            .hint("`evaluate.rollout.key` names the keys on the way to it, as in spec.values.image.tag.")),
        count => Err(Failure::invalid(format!("{count} documents have a value {shown}"))
            .hint("Put the one that is rolled out into a file of its own.")),
    }
}

fn below<'a>(node: &'a Node, key: &[String]) -> Option<&'a Node> {
    let Some((first, rest)) = key.split_first() else {
        return matches!(node.value, Value::Scalar { .. }).then_some(node);
    };
    match &node.value {
        Value::Mapping(entries) => {
            let entry = entries.iter().find(|(name, _)| name.text() == Some(first.as_str()))?;
            below(&entry.1, rest)
        }
        // A list's item is named by its place, from 0.
        Value::Sequence(items) => below(items.get(first.parse::<usize>().ok()?)?, rest),
        Value::Scalar { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# A release.\nkind: HelmRelease\nspec:\n  values:\n    image: {tag: '1.0.0', name: a}  # pinned\n    list:\n      - version: 1.0.0 # here\n---\nkind: Other\n";

    fn key(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn one_value_changes_and_nothing_else() {
        let edited = edit(FILE, &key("spec.values.image.tag"), "1.1.0").unwrap();
        assert_eq!(edited, FILE.replace("'1.0.0'", "\"1.1.0\""));
        let edited = edit(FILE, &key("spec.values.list.0.version"), "2.0.0-rc1").unwrap();
        assert_eq!(edited, FILE.replace("version: 1.0.0 #", "version: 2.0.0-rc1 #"));
        let edited = edit(FILE, &key("spec.values.list.0.version"), "1.30").unwrap();
        assert!(edited.contains("version: \"1.30\" # here"), "a number is quoted: {edited}");
        assert_eq!(value(FILE, &key("spec.values.image.tag")).unwrap(), "1.0.0");
    }

    #[test]
    fn what_is_not_one_value_is_refused() {
        let why = |path: &str| value(FILE, &key(path)).unwrap_err().what;
        assert_eq!(why("spec.values.image.label"), "there is no value spec.values.image.label");
        assert_eq!(why("spec.values.image"), "there is no value spec.values.image");
        assert_eq!(why("kind"), "2 documents have a value kind");
        let block = "a: >\n  1.0.0\n";
        assert!(edit(block, &key("a"), "1.1.0").unwrap_err().what.contains("in place"));
    }
}
