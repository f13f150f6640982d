//! `${variable}` in built manifests, as Flux's postBuild documents it.

use std::collections::BTreeMap;

/// Substitutes `${name}`, `${name:-default}` and `${name:=default}`; `$${name}` stays as `${name}`.
///
/// An undefined name is empty, as for Flux. Other expressions of bash are an error that names them.
pub fn substitute(text: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find("${") {
        let (before, after) = rest.split_at(start);
        if let Some(before) = before.strip_suffix('$') {
            // Escaped: the expression is the user's own.
            out += before;
            out += "${";
            rest = &after[2..];
            continue;
        }
        let Some(end) = after.find('}') else { return Err(format!("`{}` is not closed", line(after))) };
        out += before;
        out += &value(&after[2..end], variables)?;
        rest = &after[end + 1..];
    }
    out += rest;
    Ok(out)
}

fn value(expression: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let letters = expression.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(expression.len());
    let (name, more) = expression.split_at(letters);
    let known = variables.get(name).filter(|value| !value.is_empty());
    let is_name = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
    let otherwise = more.strip_prefix(":-").or(more.strip_prefix(":="));
    match (is_name, more, otherwise) {
        (true, "", _) => Ok(known.cloned().unwrap_or_default()),
        (true, _, Some(otherwise)) if !otherwise.contains("${") => {
            Ok(known.cloned().unwrap_or_else(|| otherwise.to_owned()))
        }
        _ => Err(format!("`${{{expression}}}` is an expression that only Flux evaluates")),
    }
}

fn line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_variables_are_substituted() {
        let variables = BTreeMap::from([("name".to_owned(), "web".to_owned()), ("empty".to_owned(), String::new())]);
        let of = |text: &str| substitute(text, &variables);
        assert_eq!(of("a: ${name}-${name:-x}"), Ok("a: web-web".into()));
        assert_eq!(of("a: ${other:-3}${empty:=4}"), Ok("a: 34".into()));
        assert_eq!(of("a: \"${other}\" $name $5"), Ok("a: \"\" $name $5".into()));
        assert_eq!(of("a: $${name} ${name}"), Ok("a: ${name} web".into()));
        assert!(of("a: ${name/w/b}").unwrap_err().contains("${name/w/b}"));
        assert!(of("a: ${name:0:1}").is_err());
        assert!(of("a: ${name").is_err());
    }
}
