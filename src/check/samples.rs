//! Samples in Prometheus' text format (version 0.0.4).

/// The sum of the samples of a name that have some labels; none where there is no such sample.
pub fn sum(text: &str, name: &str, labels: &[(String, String)]) -> Option<f64> {
    let samples = text.lines().filter_map(|line| sample(line.trim()));
    let values = samples.filter(|sample| {
        let has = |wanted: &(String, String)| sample.labels.contains(wanted);
        sample.name == name && labels.iter().all(has)
    });
    values.map(|sample| sample.value).reduce(|sum, value| sum + value)
}

struct Sample<'a> {
    name: &'a str,
    labels: Vec<(String, String)>,
    value: f64,
}

/// Reads `name{label="value"} 1.5 timestamp`; labels and timestamp may be missing.
fn sample(line: &str) -> Option<Sample<'_>> {
    if line.starts_with('#') {
        return None;
    }
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            rest = rest.trim_start_matches([',', ' ']);
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.push((label.trim().to_owned(), value));
            rest = after;
        }
    }
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name, labels, value })
}

/// What stands before the closing quote, and what after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match letters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200",path="/a,b"} 3 1395066363000
requests_total{code="200", path="a \"quoted\" } one"} 4
requests_total{code="500",} 1
requests_total_more 100
temperature -1.5e1
broken{code="200" 3
"#;

    #[test]
    fn samples_are_added_up() {
        let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect::<Vec<_>>();
        assert_eq!(sum(TEXT, "requests_total", &[]), Some(8.0));
        assert_eq!(sum(TEXT, "requests_total", &labels(&[("code", "200")])), Some(7.0));
        assert_eq!(sum(TEXT, "requests_total", &labels(&[("code", "200"), ("path", "/a,b")])), Some(3.0));
        assert_eq!(sum(TEXT, "requests_total", &labels(&[("path", "a \"quoted\" } one")])), Some(4.0));
        assert_eq!(sum(TEXT, "temperature", &[]), Some(-15.0));
        assert_eq!((sum(TEXT, "requests", &[]), sum(TEXT, "broken", &[])), (None, None));
    }
}
