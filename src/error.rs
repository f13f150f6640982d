//! The edge: failures become a text for people and an exit code for programs.

use std::fmt::Write as _;

use engine::failure::{Failure, Kind};

use crate::report::Paint;

/// The exit code of a kind of failure, as `seedbed --help` documents it.
pub const fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Other => 1,
        Kind::Usage => 2,
        Kind::Invalid => 3,
        Kind::Refused => 4,
        Kind::Step => 5,
        Kind::NotReady => 6,
        Kind::Interrupted => 130,
    }
}

/// The exit code of a whole run: that of the first real failure, 130 only if nothing but interruptions is there.
pub fn exit_code(failures: &[Failure]) -> u8 {
    real(failures).next().or(failures.first()).map_or(0, |failure| code(failure.kind))
}

/// Lays failures out for people: what, the deepest cause and what it lies in, place, evidence, hints.
///
/// Interruptions are left out where anything else failed: they are what the real failure did to its siblings.
pub fn render(failures: &[Failure], paint: Paint) -> String {
    let mut shown: Vec<&Failure> = Vec::new();
    let only_interrupted = real(failures).next().is_none();
    for failure in failures {
        if (only_interrupted || failure.kind != Kind::Interrupted) && !shown.contains(&failure) {
            shown.push(failure);
        }
    }
    let label = paint.red("error:");
    let mut text = shown.iter().map(|failure| one(failure, &label, paint)).collect::<Vec<_>>().join("\n");
    if shown.len() > 1 {
        let _ = write!(text, "\n{}", paint.bold(&format!("{} problems\n", shown.len())));
    }
    text
}

fn real(failures: &[Failure]) -> impl Iterator<Item = &Failure> {
    failures.iter().filter(|failure| failure.kind != Kind::Interrupted)
}

/// Lays out what deserves a word and stops nothing.
pub fn render_warnings(warnings: &[Failure], paint: Paint) -> String {
    warnings.iter().map(|warning| one(warning, &paint.yellow("warning:"), paint)).collect()
}

fn one(failure: &Failure, label: &str, paint: Paint) -> String {
    let mut text = format!("{label} {}\n", paint.bold(&indented(&failure.what, "       ")));
    // The deepest cause is the one to mend; the others say where it lies.
    for (depth, cause) in failure.causes.iter().rev().enumerate() {
        let label = if depth == 0 { "cause:" } else { "   in:" };
        let _ = writeln!(text, "  {} {}", paint.dim(label), indented(cause, "         "));
    }
    if let Some(place) = &failure.place {
        let _ = writeln!(text, "  {} {place}", paint.dim("  -->"));
    }
    if let Some(evidence) = &failure.evidence {
        for line in evidence.trim_end().lines() {
            let _ = writeln!(text, "  {}", format!("{} {line}", paint.dim("|")).trim_end());
        }
    }
    for hint in &failure.hints {
        let _ = writeln!(text, "  {} {}", paint.cyan("help:"), indented(hint, "        "));
    }
    text
}

/// A text of several lines, those after the first indented.
fn indented(text: &str, indent: &str) -> String {
    text.trim_end().replace('\n', &format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use engine::place::Place;

    use super::*;

    fn failures() -> Vec<Failure> {
        vec![
            Failure::interrupted(),
            Failure::step("task \"Install containerd\" failed on dev-1")
                .cause("command `dpkg -i containerd.deb`: exit code 1")
                .cause("dpkg: error: no space left on device\nwhile unpacking")
                .place(Place::at("embedded:playbooks/node.yaml", 12, 5))
                .evidence("dpkg: unpacking\n\ndpkg: error: no space left on device\n")
                .hint("give the node a larger `disk` in seedbed.yaml:14"),
            Failure::invalid("unknown key `nodess`")
                .place(Place::at("seedbed.yaml", 3, 1))
                .hint("did you mean `nodes`?"),
        ]
    }

    #[test]
    fn several_failures_are_laid_out() {
        insta::assert_snapshot!(render(&failures(), Paint::Never), @r#"
        error: task "Install containerd" failed on dev-1
          cause: dpkg: error: no space left on device
                 while unpacking
             in: command `dpkg -i containerd.deb`: exit code 1
            --> embedded:playbooks/node.yaml:12:5
          | dpkg: unpacking
          |
          | dpkg: error: no space left on device
          help: give the node a larger `disk` in seedbed.yaml:14

        error: unknown key `nodess`
            --> seedbed.yaml:3:1
          help: did you mean `nodes`?

        2 problems
        "#);
    }

    #[test]
    fn colour_is_added_only_where_allowed() {
        let plain = render(&failures(), Paint::Never);
        let coloured = render(&failures(), Paint::Always);
        assert!(!plain.contains('\x1b'));
        assert!(coloured.contains("\x1b["));
        assert_eq!(console::strip_ansi_codes(&coloured), plain);
    }

    #[test]
    fn the_same_failure_is_shown_once() {
        let failure = Failure::other("no space left");
        assert_eq!(render(&[failure.clone(), failure], Paint::Never), "error: no space left\n");
    }

    #[test]
    fn the_first_real_failure_gives_the_exit_code() {
        assert_eq!(exit_code(&[]), 0);
        assert_eq!(exit_code(&failures()), 5);
        assert_eq!(exit_code(&[Failure::interrupted()]), 130);
        let codes = [Kind::Other, Kind::Usage, Kind::Invalid, Kind::Refused, Kind::Step, Kind::NotReady].map(code);
        assert_eq!(codes, [1, 2, 3, 4, 5, 6]);
    }
}
