//! A difference as people read it.

use std::fmt::Write as _;

use serde_json::Value;
use similar::TextDiff;

use super::{Action, Diff};
use crate::flux::Key;
use crate::report::Paint;

/// A unified diff from the live object to the new one, as YAML; the values of a Secret only say whether they differ.
pub(super) fn unified(key: &Key, live: Option<&Value>, new: Option<&Value>) -> String {
    let side = |own: Option<&Value>, other: Option<&Value>, name: &str| {
        let shown = if key.kind == "Secret" { own.map(|own| masked(own, other, name)) } else { own.cloned() };
        shown.and_then(|value| serde_saphyr::to_string(&value).ok()).unwrap_or_default()
    };
    let (old, new) = (side(live, new, "before"), side(new, live, "after"));
    let diff = TextDiff::from_lines(&old, &new);
    diff.unified_diff().header(&format!("live/{key}"), &format!("new/{key}")).to_string()
}

/// As `kubectl diff` has it: values that are equal, or alone, are `***`; others say which side they are of.
fn masked(own: &Value, other: Option<&Value>, name: &str) -> Value {
    let mut shown = own.clone();
    for field in ["data", "stringData"] {
        for (key, value) in shown.get_mut(field).and_then(Value::as_object_mut).into_iter().flatten() {
            let other = other.and_then(|other| other[field].get(key));
            let differs = other.is_some_and(|other| other != value);
            *value = if differs { format!("*** ({name})").into() } else { "***".into() };
        }
    }
    // kubectl writes all of it there once more.
    if let Some(annotations) = shown.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    shown
}

/// The whole of it, the objects in the order of their applying.
pub fn text(diff: &Diff, paint: Paint) -> String {
    let mut text = String::new();
    for one in &diff.differences {
        let (word, painted): (_, fn(Paint, &str) -> String) = match one.action {
            Action::Created => ("created", Paint::green),
            Action::Changed => ("changed", Paint::yellow),
            Action::Pruned => ("pruned", Paint::red),
            Action::Refused => ("refused", Paint::red),
        };
        let _ = writeln!(
            text,
            "{} {}  {}",
            painted(paint, word),
            paint.bold(&one.object.to_string()),
            paint.dim(&format!("({})", one.kustomization))
        );
        if let Some(why) = &one.why {
            let _ = writeln!(text, "  {why}");
        }
        for line in one.diff.lines() {
            let _ = writeln!(
                text,
                "{}",
                match line.as_bytes().first() {
                    Some(b'+') => paint.green(line),
                    Some(b'-') => paint.red(line),
                    Some(b'@') => paint.cyan(line),
                    _ => line.to_owned(),
                }
            );
        }
    }
    for unknown in &diff.unknown {
        let what = unknown.object.as_ref().unwrap_or(&unknown.kustomization);
        let _ = writeln!(text, "{} {}: {}", paint.yellow("not compared"), paint.bold(&what.to_string()), unknown.why);
    }
    let count = |action| diff.differences.iter().filter(|one| one.action == action).count();
    let counts = [
        (count(Action::Created), "created"),
        (count(Action::Changed), "changed"),
        (count(Action::Pruned), "pruned"),
        (count(Action::Refused), "refused"),
        (diff.unchanged, "unchanged"),
        (diff.unknown.len(), "not compared"),
    ];
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let _ = writeln!(text, "{}: {}", diff.source, counts.join(", "));
    if diff.differences.iter().any(|one| one.object.kind == "HelmRelease") {
        text += "of a HelmRelease its own spec is compared, not what its chart makes of it\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_values_of_secrets_are_masked() {
        let secret = |same: &str, other: &str| json!({"kind": "Secret", "data": {"same": same, "other": other}});
        let key = Key::new("Secret", "apps", "token");
        let diff = unified(&key, Some(&secret("aaaa", "bbbb")), Some(&secret("aaaa", "cccc")));
        insta::assert_snapshot!(diff, @r#"
        --- live/Secret/apps/token
        +++ new/Secret/apps/token
        @@ -1,4 +1,4 @@
         kind: Secret
         data:
           same: "***"
        -  other: "*** (before)"
        +  other: "*** (after)"
        "#);
        let created = unified(&key, None, Some(&secret("aaaa", "cccc")));
        assert!(created.contains("+  same: \"***\"") || created.contains("+  same: '***'"), "{created}");
        assert!(!created.contains("cccc"), "{created}");
    }
}
