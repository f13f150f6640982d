//! The fields of a map, taken one by one; what is left over is a mistake.

use super::super::node::{Key, Node, ScalarKind, Value};
use super::super::play::Condition;
use super::{Parser, keywords};
use crate::failure::Failure;
use crate::{nearest, template};

pub struct Fields {
    left: Vec<(Key, Node)>,
}

impl Fields {
    /// The fields of a map; anything else is a mistake.
    pub fn of(parser: &mut Parser<'_>, node: &Node, thing: &str) -> Option<Self> {
        let entries = node.as_map();
        if entries.is_none() {
            parser.mistake(&node.place, format!("{thing} is a map of its keywords, not {}", node.kind()));
        }
        entries.map(|entries| Self { left: entries.to_vec() })
    }

    pub fn has(&self, name: &str) -> bool {
        self.left.iter().any(|(key, _)| key.text == name)
    }

    pub fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.left.iter().position(|(key, _)| key.text == name)?;
        Some(self.left.remove(at).1)
    }

    /// Takes the first field whose name a function accepts.
    pub fn take_where(&mut self, accepts: impl Fn(&str) -> bool) -> Option<(Key, Node)> {
        let at = self.left.iter().position(|(key, _)| accepts(&key.text))?;
        Some(self.left.remove(at))
    }

    pub fn skip(&mut self, names: &[&str]) {
        self.left.retain(|(key, _)| !names.contains(&key.text.as_str()));
    }

    pub fn text(&mut self, parser: &mut Parser<'_>, name: &str) -> Option<String> {
        let node = self.take(name)?;
        let text = node.as_text().map(str::to_owned);
        if text.is_none() {
            parser.mistake(&node.place, format!("`{name}` is text, not {}", node.kind()));
        }
        text
    }

    /// A name for a variable.
    pub fn name(&mut self, parser: &mut Parser<'_>, field: &str) -> Option<String> {
        let node = self.take(field)?;
        let text = node.as_text().unwrap_or_default();
        let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if first && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Some(text.to_owned());
        }
        parser.mistake(&node.place, format!("`{field}` is a variable's name: letters, digits and underscores"));
        None
    }

    /// A boolean that is known at once.
    pub fn flag(&mut self, parser: &mut Parser<'_>, name: &str) -> Option<bool> {
        let node = self.take(name)?;
        let flag = template::truth(&node.to_json());
        if flag.is_none() {
            parser.mistake(&node.place, format!("`{name}` is true or false"));
        }
        flag
    }

    /// A boolean that may be a template.
    pub fn flag_or_template(&mut self, parser: &mut Parser<'_>, name: &str) -> Option<Node> {
        let node = self.take(name)?;
        let fine = match (&node.value, node.as_text()) {
            (_, Some(text)) if template::is_template(text) => true,
            (Value::Scalar(scalar), _) => {
                matches!(scalar.kind, ScalarKind::Boolean(_)) || template::truth(&node.to_json()).is_some()
            }
            _ => false,
        };
        if !fine {
            parser.mistake(&node.place, format!("`{name}` is true or false"));
        }
        fine.then_some(node)
    }

    /// One condition or a list of them.
    pub fn conditions(&mut self, parser: &mut Parser<'_>, name: &str) -> Option<Vec<Condition>> {
        let node = self.take(name)?;
        let nodes = node.as_list().unwrap_or(std::slice::from_ref(&node));
        Some(nodes.iter().filter_map(|node| condition(parser, node, name)).collect())
    }

    /// One text or a list of them, each kept with its place.
    pub fn texts(&mut self, parser: &mut Parser<'_>, name: &str) -> Vec<Node> {
        let Some(node) = self.take(name) else { return Vec::new() };
        let nodes = node.as_list().unwrap_or(std::slice::from_ref(&node));
        if let Some(wrong) = nodes.iter().find(|node| node.as_text().is_none()) {
            parser.mistake(&wrong.place, format!("`{name}` is text or a list of it, not {}", wrong.kind()));
            return Vec::new();
        }
        nodes.to_vec()
    }

    /// Reports what nobody took.
    pub fn finish(self, parser: &mut Parser<'_>, known: &[&str], thing: &str) {
        for (key, _) in self.left {
            let mistake = if keywords::NOT_YET.contains(&key.text.as_str()) {
                Failure::invalid(format!("`{}` is not supported yet", key.text))
            } else {
                let mistake = Failure::invalid(format!("{thing} has no keyword `{}`", key.text));
                match nearest::name(&key.text, known.iter().copied()) {
                    Some(nearest) => mistake.hint(format!("is it `{nearest}`?")),
                    None => mistake,
                }
            };
            parser.mistakes.push(mistake.place(key.place));
        }
    }
}

fn condition(parser: &mut Parser<'_>, node: &Node, name: &str) -> Option<Condition> {
    let Value::Scalar(scalar) = &node.value else {
        parser.mistake(&node.place, format!("`{name}` is a condition, not {}", node.kind()));
        return None;
    };
    let text = match scalar.kind {
        ScalarKind::Boolean(boolean) => boolean.to_string(),
        ScalarKind::Null => "true".to_owned(),
        _ => scalar.text.clone(),
    };
    if let Err(mistake) = template::check_expression(&text, &node.place) {
        parser.mistakes.push(mistake);
        return None;
    }
    Some(Condition { place: node.place.clone(), text })
}
