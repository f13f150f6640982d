//! YAML as a tree that keeps its places, so that every mistake can be reported, not only the first.

use granit_parser::{Event, Parser, ScalarStyle, Span as ParserSpan};

/// The most nodes that a file may have once its aliases are expanded.
const LIMIT: usize = 200_000;

/// Where a node was written, line and column from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub line: u32,
    pub column: u32,
    /// Characters on its first line, at least one.
    pub width: u32,
}

/// A YAML node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

/// What a node holds. Scalars stay text: `1.30` must not become `1.3`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `plain` is false where it was quoted or a block.
    Scalar {
        text: String,
        plain: bool,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

/// What a plain scalar means under YAML 1.2's core schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Meaning {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text,
}

/// A text that is no YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub span: Span,
    pub what: String,
}

/// Parses every document of a text.
pub fn parse(text: &str) -> Result<Vec<Node>, SyntaxError> {
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| SyntaxError {
            span: place(error.marker().line(), error.marker().col(), 1),
            what: error.info(),
        })?;
        builder.event(event, span)?;
    }
    Ok(builder.documents)
}

fn place(line: usize, column_from_0: usize, width: usize) -> Span {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span { line: number(line), column: number(column_from_0).saturating_add(1), width: number(width.max(1)) }
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    /// The collections that are open, each with its anchor.
    open: Vec<(Node, usize, Option<Node>)>,
    anchors: std::collections::HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, at: ParserSpan) -> Result<(), SyntaxError> {
        let one_line = at.end.line() == at.start.line();
        let width = if one_line { at.end.col().saturating_sub(at.start.col()) } else { 1 };
        let span = place(at.start.line(), at.start.col(), width);
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let node = Node { span, value: Value::Scalar { text: text.into_owned(), plain } };
                self.add(node, anchor, 1)?;
            }
            Event::SequenceStart(_, anchor, _) => self.open(span, Value::Sequence(Vec::new()), anchor),
            Event::MappingStart(_, anchor, _) => self.open(span, Value::Mapping(Vec::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((node, anchor, _)) = self.open.pop() {
                    self.add(node, anchor, 1)?;
                }
            }
            Event::Alias(anchor) => {
                let Some((mut node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(SyntaxError { span, what: "the alias stands inside its own anchor".into() });
                };
                node.span = span;
                self.add(node, 0, size)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, span: Span, value: Value, anchor: usize) {
        self.open.push((Node { span: Span { width: 1, ..span }, value }, anchor, None));
    }

    fn add(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), SyntaxError> {
        self.nodes += size;
        if self.nodes > LIMIT {
            return Err(SyntaxError { span: node.span, what: format!("more than {LIMIT} nodes") });
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), count(&node)));
        }
        let Some((parent, _, key)) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut parent.value {
            Value::Sequence(items) => items.push(node),
            Value::Mapping(entries) => match key.take() {
                None => *key = Some(node),
                Some(name) => entries.push((name, node)),
            },
            Value::Scalar { .. } => {}
        }
        Ok(())
    }
}

fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar { .. } => 0,
        Value::Sequence(items) => items.iter().map(count).sum(),
        Value::Mapping(entries) => entries.iter().map(|(key, value)| count(key) + count(value)).sum(),
    }
}

impl Node {
    /// The text of a scalar, quoted or not.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    pub fn entries(&self) -> &[(Self, Self)] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a mapping's key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    pub fn meaning(&self) -> Meaning {
        match &self.value {
            Value::Scalar { text, plain: true } => meaning(text),
            _ => Meaning::Text,
        }
    }

    pub fn is_null(&self) -> bool {
        self.meaning() == Meaning::Null
    }

    /// What it is, for messages: `the number 3`, `a list`.
    pub fn described(&self) -> String {
        match (&self.value, self.meaning()) {
            (Value::Sequence(_), _) => "a list".into(),
            (Value::Mapping(_), _) => "a mapping".into(),
            (_, Meaning::Null) => "nothing".into(),
            (Value::Scalar { text, .. }, Meaning::Integer(_) | Meaning::Float(_)) => format!("the number {text}"),
            (Value::Scalar { text, .. }, Meaning::Boolean(_)) => format!("the boolean {text}"),
            (Value::Scalar { text, .. }, Meaning::Text) => format!("the text `{text}`"),
        }
    }

    /// The same as JSON, under YAML 1.2's core schema.
    pub fn json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match (&self.value, self.meaning()) {
            (Value::Sequence(items), _) => items.iter().map(Self::json).collect(),
            (Value::Mapping(entries), _) => {
                let entries = entries.iter().filter_map(|(key, value)| Some((key.text()?.to_owned(), value.json())));
                Json::Object(entries.collect())
            }
            (_, Meaning::Null) => Json::Null,
            (_, Meaning::Boolean(value)) => value.into(),
            (_, Meaning::Integer(value)) => value.into(),
            // A number that would print otherwise was meant as text: `1.30` is a version.
            (Value::Scalar { text, .. }, Meaning::Float(value)) if format!("{value:?}") == *text => value.into(),
            (Value::Scalar { text, .. }, Meaning::Text | Meaning::Float(_)) => text.clone().into(),
        }
    }
}

/// Reads a plain scalar. A leading zero, an underscore or an infinity stays text: `0644` is a mode.
fn meaning(text: &str) -> Meaning {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Meaning::Null,
        "true" | "True" | "TRUE" => return Meaning::Boolean(true),
        "false" | "False" | "FALSE" => return Meaning::Boolean(false),
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if leading_zero || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Meaning::Text;
    }
    if let Ok(value) = text.parse() {
        return Meaning::Integer(value);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Meaning::Float(value),
        _ => Meaning::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_kept() {
        let document = parse("a: 1\nb:\n  - {c: 'x'}\n").unwrap().remove(0);
        let c = document.get("b").unwrap().items()[0].get("c").unwrap();
        assert_eq!(c.span, Span { line: 3, column: 9, width: 3 });
    }

    #[test]
    fn scalars_mean_what_yaml_1_2_says() {
        let read = |text: &str| parse(text).unwrap().remove(0).json();
        assert_eq!(
            read("[on, no, 0644, 1.30, '1.30', 12:30, ~, true, -3, 1_000]"),
            serde_json::json!(["on", "no", "0644", "1.30", "1.30", "12:30", null, true, -3, "1_000"])
        );
    }

    #[test]
    fn aliases_are_expanded_but_not_without_end() {
        assert_eq!(parse("a: &x [1]\nb: *x\n").unwrap()[0].get("b").unwrap().json(), serde_json::json!([1]));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let alias = format!("*a{}", n - 1);
            bomb += &format!("a{n}: &a{n} [{}]\n", vec![alias; 10].join(", "));
        }
        assert!(parse(&bomb).unwrap_err().what.contains("more than"));
    }
}
