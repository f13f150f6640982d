//! Queries and changes as scripts for the remote shell, and what their output means. All of it is pure.

use std::fmt::Write as _;

use super::command::quote;
use super::{Attributes, Command, FileKind, Output, Program, Stat};

/// The exit code by which a script says that there is no such file.
pub const ABSENT: i32 = 44;

/// Prints attributes, then the link's target or the file's digest; nothing if it is not there.
pub fn stat(path: &str) -> String {
    let path = operand(path);
    format!(
        "p={path}\n\
         [ -L \"$p\" ] || [ -e \"$p\" ] || exit {ABSENT}\n\
         stat -c '%f %u %g %s %Y %U %G' \"$p\" || exit 1\n\
         if [ -L \"$p\" ]; then exec readlink \"$p\"; elif [ -f \"$p\" ]; then exec sha256sum <\"$p\"; fi\n"
    )
}

/// Reads what the script of [`stat`] printed.
pub fn parse_stat(text: &str) -> Option<Stat> {
    let (first, rest) = text.split_once('\n')?;
    let mut fields = first.split(' ');
    let raw = u32::from_str_radix(fields.next()?, 16).ok()?;
    let kind = match raw & 0o170_000 {
        0o100_000 => FileKind::File,
        0o040_000 => FileKind::Directory,
        0o120_000 => FileKind::Link,
        _ => FileKind::Other,
    };
    let mut number = || fields.next()?.parse::<i64>().ok();
    let (uid, gid, size, modified) = (number()?, number()?, number()?, number()?);
    Some(Stat {
        kind,
        mode: raw & 0o7777,
        uid: uid.try_into().ok()?,
        gid: gid.try_into().ok()?,
        size: size.try_into().ok()?,
        modified,
        owner: fields.next()?.to_owned(),
        group: fields.next()?.to_owned(),
        target: (kind == FileKind::Link).then(|| rest.trim_end_matches('\n').to_owned()),
        sha256: (kind == FileKind::File).then(|| rest.split(' ').next().unwrap_or_default().to_owned()),
    })
}

/// Prints a file.
pub fn read(path: &str) -> String {
    let path = operand(path);
    format!("[ -e {path} ] || exit {ABSENT}\nexec cat {path}\n")
}

/// Runs a command, in its directory and with its environment.
pub fn command(command: &Command) -> String {
    let mut script = String::new();
    if let Some(directory) = &command.directory {
        let _ = writeln!(script, "cd {} || exit 1", operand(directory));
    }
    for (name, value) in &command.environment {
        let _ = writeln!(script, "export {name}={}", quote(value));
    }
    match &command.program {
        Program::Argv(argv) => {
            let words: Vec<String> = argv.iter().map(|word| quote(word)).collect();
            let _ = writeln!(script, "exec {}", words.join(" "));
        }
        // The script as it is: one shell fewer to start.
        Program::Shell { script: text, executable: None } => {
            script.push_str(text);
            script.push('\n');
        }
        Program::Shell { script: text, executable: Some(shell) } => {
            let _ = writeln!(script, "exec {} -c {}", quote(shell), quote(text));
        }
    }
    script
}

/// What of a file's content the host must find before the file takes its place.
pub struct Content<'a> {
    pub size: u64,
    /// The sha256 in hexadecimal.
    pub sha256: &'a str,
    /// Makes the temporary name unlike any other's.
    pub unique: &'a str,
}

/// Takes the content from the standard input into a temporary file beside the path, and renames it only when
/// length and sha256 are right. Attributes that are not given stay those of the file before; a new one gets 0644.
pub fn write(path: &str, content: &Content<'_>, attributes: &Attributes) -> String {
    let Content { size, sha256, unique } = content;
    let (directory, name) = path.rsplit_once('/').unwrap_or((".", path));
    let name: String = name.chars().take(40).collect();
    let temporary = format!("{directory}/.{name}.{unique}");
    let owner = owner(attributes);
    let mode = attributes.mode.map(|mode| format!("{mode:04o}")).unwrap_or_default();
    format!(
        "p={path} t={temporary} owner={owner} mode={mode}\n\
         [ ! -d \"$p\" ] || {{ echo \"$p is a directory\" >&2; exit 1; }}\n\
         trap 'rm -f \"$t\"' EXIT\n\
         trap 'exit 1' HUP INT PIPE TERM\n\
         umask 077\n\
         set -C\n\
         cat >\"$t\" || exit 1\n\
         set +C\n\
         sum=$(sha256sum <\"$t\")\n\
         if [ \"${{sum%% *}}\" != {sha256} ]; then\n\
             echo \"$(($(wc -c <\"$t\"))) of {size} bytes came, or other ones: $p stays as it was\" >&2\n\
             exit 1\n\
         fi\n\
         if [ -e \"$p\" ]; then\n\
             old=$(stat -L -c '%u:%g %a' \"$p\") || exit 1\n\
             chown \"${{old% *}}\" \"$t\" || exit 1\n\
             [ -n \"$mode\" ] || mode=${{old#* }}\n\
         fi\n\
         [ -z \"$owner\" ] || chown \"$owner\" \"$t\" || exit 1\n\
         chmod \"${{mode:-0644}}\" \"$t\" || exit 1\n\
         mv -T -f \"$t\" \"$p\" 2>/dev/null || mv -f \"$t\" \"$p\" || exit 1\n\
         trap - EXIT\n\
         command -v restorecon >/dev/null && restorecon \"$p\"\n\
         exit 0\n",
        path = operand(path),
        temporary = operand(&temporary),
        owner = quote(&owner),
        mode = quote(&mode),
    )
}

/// Makes a directory and its parents.
pub fn directory(path: &str, attributes: &Attributes) -> String {
    format!("mkdir -p {} || exit 1\n{}", operand(path), self::attributes(path, attributes, false))
}

/// Makes or replaces a symbolic link, by a rename.
pub fn link(path: &str, target: &str, unique: &str) -> String {
    let temporary = operand(&format!("{path}.{unique}"));
    let (target, path) = (quote(target), operand(path));
    // An older busybox has no `mv -T`; there the link is taken away first, or it would be followed.
    format!(
        "p={path} t={temporary}\n\
         [ -L \"$p\" ] || [ ! -d \"$p\" ] || {{ echo \"$p is a directory\" >&2; exit 1; }}\n\
         ln -s -- {target} \"$t\" || exit 1\n\
         mv -T -f \"$t\" \"$p\" 2>/dev/null || {{ rm -f \"$p\" && mv -f \"$t\" \"$p\"; }} || {{ rm -f \"$t\"; exit 1; }}\n"
    )
}

/// Sets owner, group and permission bits.
pub fn attributes(path: &str, attributes: &Attributes, recurse: bool) -> String {
    let recursively = if recurse { "-R " } else { "" };
    let path = operand(path);
    let owner = owner(attributes);
    let mut script = format!("[ -L {path} ] || [ -e {path} ] || {{ echo {path} is not there >&2; exit 1; }}\n");
    if !owner.is_empty() {
        let _ = writeln!(script, "chown {recursively}-h {} {path} || exit 1", quote(&owner));
    }
    if let Some(mode) = attributes.mode {
        let _ = writeln!(script, "[ -L {path} ] || chmod {recursively}{mode:04o} {path} || exit 1");
    }
    script
}

/// Removes a file, link or tree.
pub fn remove(path: &str) -> String {
    format!("exec rm -rf {}\n", operand(path))
}

/// The answer's text for a person: what the script said on stderr, or its code.
pub fn complaint(output: &Output) -> String {
    let text = output.stderr_text();
    let text = text.trim();
    if text.is_empty() { format!("exit code {}", output.code) } else { text.to_owned() }
}

fn owner(attributes: &Attributes) -> String {
    match (&attributes.owner, &attributes.group) {
        (Some(owner), Some(group)) => format!("{owner}:{group}"),
        (Some(owner), None) => owner.clone(),
        (None, Some(group)) => format!(":{group}"),
        (None, None) => String::new(),
    }
}

/// Quotes a path so that no program takes it for an option.
fn operand(path: &str) -> String {
    if path.starts_with('-') { quote(&format!("./{path}")) } else { quote(path) }
}
