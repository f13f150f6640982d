//! Parameters written in one line: `name=value` words, and commands.

use super::super::node::{Key, Node, Scalar, Value};
use crate::module::Entry;
use crate::place::Place;

/// Splits a line into parameters. What is no parameter of a command is the command.
pub fn split(entry: &Entry, text: &str, place: &Place) -> Result<Vec<(Key, Node)>, String> {
    let mut entries = Vec::new();
    let mut rest = Vec::new();
    for word in words(text) {
        match word.split_once('=').filter(|(name, _)| takes(entry, name)) {
            Some((name, value)) => entries.push(entry_of(name, unquote(value), place)),
            None => rest.push(word),
        }
    }
    match (entry.free_form, rest.is_empty()) {
        (_, true) => {}
        // Without a parameter in it, the line stays as it was written.
        (Some(name), false) if entries.is_empty() => entries.push(entry_of(name, text.trim(), place)),
        (Some(name), false) => entries.push(entry_of(name, &rest.join(" "), place)),
        (None, false) => {
            return Err(format!("`{}` takes a map of parameters; `{}` is none", entry.name, rest.join(" ")));
        }
    }
    Ok(entries)
}

/// Whether a word `name=...` is a parameter. A command takes only a few, so that `VAR=x make` stays a command.
fn takes(entry: &Entry, name: &str) -> bool {
    let own = ["creates", "removes", "chdir", "executable", "stdin"];
    let known = entry.parameters.is_none_or(|parameters| parameters.iter().any(|parameter| parameter.is(name)));
    if entry.free_form.is_some() { own.contains(&name) && known } else { known && !name.is_empty() }
}

fn entry_of(name: &str, value: &str, place: &Place) -> (Key, Node) {
    let key = Key { place: place.clone(), text: name.to_owned() };
    (key, Node { place: place.clone(), tag: None, value: Value::Scalar(Scalar::text(value)) })
}

fn unquote(value: &str) -> &str {
    let within = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

/// Splits at blanks, except within quotes and templates.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quote, mut braces, mut previous) = (None, None, 0_usize, ' ');
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open && previous != '\\' => quote = None,
            (None, '"' | '\'') if previous != '\\' => quote = Some(c),
            (None, '{') if previous == '{' => braces += 1,
            (None, '}') if previous == '}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        if c.is_whitespace() && quote.is_none() && braces == 0 {
            if let Some(begun) = start.take() {
                words.push(&text[begun..at]);
            }
        } else if start.is_none() {
            start = Some(at);
        }
        previous = c;
    }
    words.extend(start.map(|begun| &text[begun..]));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(module: &str, text: &str) -> Result<Vec<(String, String)>, String> {
        let entry = crate::module::find(module).unwrap();
        let entries = split(entry, text, &Place::file("x"))?;
        Ok(entries.into_iter().map(|(key, node)| (key.text, node.as_text().unwrap_or_default().to_owned())).collect())
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_command_keeps_its_words() {
        assert_eq!(pairs("command", "make -j2  A=b"), Ok(vec![pair("cmd", "make -j2  A=b")]));
        let taken = vec![pair("creates", "/etc/{{ x y }}"), pair("cmd", "make all")];
        assert_eq!(pairs("shell", "make all creates=/etc/{{ x y }}"), Ok(taken));
    }

    #[test]
    fn other_modules_take_names_and_values() {
        assert_eq!(
            pairs("file", "path=/a state='directory'"),
            Ok(vec![pair("path", "/a"), pair("state", "directory")])
        );
        assert!(pairs("file", "/a").is_err());
    }
}
