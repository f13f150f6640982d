//! What a module did.

use serde_json::{Map, Value as Json};

/// What a module did, and what `register` keeps of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub changed: bool,
    /// Why it failed, where that is no failure of ours: a command's exit code.
    pub failed: Option<String>,
    /// Why it was not run at all; then `changed_when` and `failed_when` are not asked.
    pub skipped: Option<String>,
    /// The module's own results.
    pub result: Map<String, Json>,
    /// Facts that the host gets.
    pub facts: Map<String, Json>,
    pub diff: Option<Diff>,
}

/// A file's text before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    pub path: String,
    pub before: String,
    pub after: String,
}

impl Outcome {
    pub fn unchanged() -> Self {
        Self::default()
    }

    pub fn changed(changed: bool) -> Self {
        Self { changed, ..Self::default() }
    }

    /// Adds a result.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.result.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn diff(mut self, diff: Option<Diff>) -> Self {
        self.diff = diff;
        self
    }
}

impl Diff {
    /// The difference of two contents; `None` where one is no text or they are long.
    pub fn of(path: &str, before: &[u8], after: &[u8]) -> Option<Self> {
        const LONGEST: usize = 200_000;
        if before.len() > LONGEST || after.len() > LONGEST {
            return None;
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(Self { path: path.to_owned(), before: text(before)?, after: text(after)? })
    }

    /// As `diff -u` prints it, with three lines around each change.
    pub fn unified(&self) -> String {
        let (before, after): (Vec<&str>, Vec<&str>) = (self.before.lines().collect(), self.after.lines().collect());
        // The common head and tail are cut off; what is between is shown as one hunk.
        let head = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
        let most = before.len().min(after.len()) - head;
        let tail =
            before.iter().rev().zip(after.iter().rev()).take(most).take_while(|(one, other)| one == other).count();
        let start = head.saturating_sub(3);
        let end = |lines: &[&str]| (lines.len() - tail + 3).min(lines.len());
        let (end_before, end_after) = (end(&before), end(&after));
        let mut text = format!(
            "--- {path}\n+++ {path}\n@@ -{line},{} +{line},{} @@\n",
            end_before - start,
            end_after - start,
            path = self.path,
            line = start + 1,
        );
        let mut push = |sign: char, lines: &[&str]| {
            for line in lines {
                text.push(sign);
                text.push_str(line);
                text.push('\n');
            }
        };
        push(' ', &before[start..head]);
        push('-', &before[head..before.len() - tail]);
        push('+', &after[head..after.len() - tail]);
        push(' ', &before[before.len() - tail..end_before]);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_what_is_around() {
        let diff = Diff::of("/a", b"1\n2\n3\n4\n5\n6\n7\n8\n9\n", b"1\n2\n3\n4\nfive\n6\n7\n8\n9\n").unwrap();
        let expected = "--- /a\n+++ /a\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(diff.unified(), expected);
    }
}
