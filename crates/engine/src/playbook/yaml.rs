//! Reads YAML into [`Node`]s, keeping every place.

use std::collections::HashMap;
use std::sync::Arc;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::node::{Key, Node, Scalar, Value};
use crate::failure::{Failure, Result};
use crate::place::Place;

/// More nodes than this in one file are aliases that multiply.
const MOST_NODES: usize = 200_000;

/// Reads a file of one YAML document; `None` if it holds nothing.
///
/// Duplicate keys are errors; all of them are reported.
pub fn read(origin: &str, text: &str) -> Result<Option<Node>, Vec<Failure>> {
    let mut reader = Reader { origin: origin.into(), anchors: HashMap::new(), mistakes: Vec::new(), nodes: 0 };
    match reader.document(text) {
        Ok(node) if reader.mistakes.is_empty() => Ok(node),
        Ok(_) => Err(reader.mistakes),
        Err(failure) => {
            reader.mistakes.push(failure);
            Err(reader.mistakes)
        }
    }
}

struct Reader {
    origin: Arc<str>,
    anchors: HashMap<usize, Node>,
    mistakes: Vec<Failure>,
    nodes: usize,
}

/// The events that matter, with their spans.
type Events<'a> = std::iter::Peekable<std::vec::IntoIter<(Event<'a>, Span)>>;

impl Reader {
    fn document(&mut self, text: &str) -> Result<Option<Node>> {
        let mut events = Vec::new();
        for next in Parser::new_from_str(text) {
            let (event, span) = next.map_err(|error| {
                let marker = error.marker();
                Failure::invalid("this is no YAML").place(self.place(marker.line(), marker.col())).cause(error.info())
            })?;
            match event {
                Event::Comment(..) | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                event => events.push((event, span)),
            }
        }
        let mut events = events.into_iter().peekable();
        if events.next_if(|(event, _)| matches!(event, Event::DocumentStart(..))).is_none() {
            return Ok(None);
        }
        let node = self.node(&mut events)?;
        match events.next() {
            None => Ok(Some(node)),
            Some((_, span)) => Err(Failure::invalid("a second document begins here")
                .place(self.at(&span))
                .hint("put each document into a file of its own")),
        }
    }

    fn node(&mut self, events: &mut Events<'_>) -> Result<Node> {
        let Some((event, span)) = events.next() else {
            return Err(Failure::invalid("the file ends within a value").place(Place::file(self.origin.clone())));
        };
        let place = self.at(&span);
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(Failure::invalid("this file's aliases make more values than are reasonable").place(place));
        }
        let (value, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = if style == ScalarStyle::Plain && core(tag.as_deref()) != Some("str") {
                    Scalar::plain(&text)
                } else {
                    Scalar::text(text)
                };
                (Value::Scalar(scalar), anchor, tag)
            }
            Event::SequenceStart(_, anchor, tag) => (self.list(events)?, anchor, tag),
            Event::MappingStart(_, anchor, tag) => (self.map(events)?, anchor, tag),
            Event::Alias(id) => {
                let node = self.anchors.get(&id).cloned();
                let node = node.ok_or_else(|| Failure::invalid("an alias of itself").place(place))?;
                self.nodes += count(&node);
                return Ok(node);
            }
            _ => return Err(Failure::invalid("this is not a value").place(place)),
        };
        let tag = tag.filter(|tag| core(Some(tag)).is_none()).map(|tag| tag.suffix().to_owned());
        let node = Node { place, tag, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, events: &mut Events<'_>) -> Result<Value> {
        let mut items = Vec::new();
        while events.next_if(|(event, _)| matches!(event, Event::SequenceEnd)).is_none() {
            items.push(self.node(events)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, events: &mut Events<'_>) -> Result<Value> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut merged = Vec::new();
        while events.next_if(|(event, _)| matches!(event, Event::MappingEnd)).is_none() {
            let key = self.node(events)?;
            let value = self.node(events)?;
            let Value::Scalar(Scalar { text, .. }) = key.value else {
                let what = format!("{} cannot be a key here", key.kind());
                let hint = "quote a value that begins with a template: \"{{ name }}\"";
                self.mistakes.push(Failure::invalid(what).place(key.place).hint(hint));
                continue;
            };
            if text == "<<" {
                merged.push(value);
                continue;
            }
            if let Some((first, _)) = entries.iter().find(|(earlier, _)| earlier.text == text) {
                let first = first.place.line;
                self.mistakes.push(
                    Failure::invalid(format!("`{text}` is given twice"))
                        .place(key.place)
                        .hint(format!("the first is in line {first}; keep one")),
                );
                continue;
            }
            entries.push((Key { place: key.place, text }, value));
        }
        for node in merged {
            self.merge(&mut entries, node);
        }
        Ok(Value::Map(entries))
    }

    /// Adds what a merge key (`<<`) brings; keys that are there win.
    fn merge(&mut self, entries: &mut Vec<(Key, Node)>, node: Node) {
        match node.value {
            Value::Map(more) => {
                for (key, value) in more {
                    if entries.iter().all(|(there, _)| there.text != key.text) {
                        entries.push((key, value));
                    }
                }
            }
            Value::List(items) => items.into_iter().for_each(|item| self.merge(entries, item)),
            Value::Scalar(_) => {
                self.mistakes.push(Failure::invalid("`<<` merges only maps").place(node.place));
            }
        }
    }

    fn at(&self, span: &Span) -> Place {
        self.place(span.start.line(), span.start.col())
    }

    fn place(&self, line: usize, column_from_zero: usize) -> Place {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Place::at(self.origin.clone(), number(line), number(column_from_zero + 1))
    }
}

/// The name of a tag of YAML's own.
fn core(tag: Option<&Tag>) -> Option<&str> {
    tag.and_then(Tag::core_suffix)
}

fn count(node: &Node) -> usize {
    match &node.value {
        Value::Scalar(_) => 1,
        Value::List(items) => items.iter().map(count).sum::<usize>() + 1,
        Value::Map(entries) => entries.iter().map(|(_, value)| count(value)).sum::<usize>() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_kept() {
        let node = read("a.yaml", "- name: x\n  vars:\n    mode: 0644\n").unwrap().unwrap();
        let vars = &node.as_list().unwrap()[0].as_map().unwrap()[1];
        assert_eq!(vars.0.place.to_string(), "a.yaml:2:3");
        let (_, mode) = &vars.1.as_map().unwrap()[0];
        assert_eq!((mode.place.to_string().as_str(), mode.as_text()), ("a.yaml:3:11", Some("0644")));
    }

    #[test]
    fn every_duplicate_is_reported() {
        let mistakes = read("a.yaml", "a: 1\nb: 2\na: 3\nb: 4\n").unwrap_err();
        let texts: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["a.yaml:3:1: `a` is given twice", "a.yaml:4:1: `b` is given twice"]);
    }

    #[test]
    fn an_unquoted_template_is_explained() {
        let mistakes = read("a.yaml", "a: {{ b }}\n").unwrap_err();
        assert!(mistakes[0].hints[0].contains("quote"), "{mistakes:?}");
    }

    #[test]
    fn merge_keys_and_aliases_work() {
        let node = read("a.yaml", "base: &b {x: 1, y: 2}\nc:\n  <<: *b\n  x: 3\n").unwrap().unwrap();
        assert_eq!(node.to_json()["c"], serde_json::json!({"x": 3, "y": 2}));
    }

    #[test]
    fn aliases_cannot_multiply_without_end() {
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..9 {
            let alias = format!("*a{}", level - 1);
            text.extend([format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(","))]);
        }
        assert!(read("a.yaml", &text).unwrap_err()[0].what.contains("aliases"));
    }
}
