//! A program on the workstation that must end with 0.

use std::process::Stdio;

use engine::failure::Failure;
use engine::wait::Seen;
use tokio::process::Command;

use super::Way;
use super::answer::shortened;

/// Runs it once. A program that cannot be run is a failure at once.
pub async fn look(words: &[String], way: &Way) -> Result<Seen<String>, Failure> {
    let Some((program, arguments)) = words.split_first() else { return Err(Failure::invalid("the command is empty")) };
    // A path in the spec starts from its directory, which may be relative itself.
    let program = if program.contains('/') {
        std::path::absolute(program).unwrap_or_else(|_| program.into())
    } else {
        program.into()
    };
    let ran = Command::new(&program)
        .args(arguments)
        .current_dir(&way.directory)
        .env("KUBECONFIG", &way.kubeconfig)
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .output()
        .await;
    let output = ran.map_err(|error| {
        Failure::not_ready("the command cannot be run").cause(format!("{}: {error}", program.display()))
    })?;
    let said = [&output.stderr, &output.stdout].map(|bytes| last_lines(&String::from_utf8_lossy(bytes)));
    let said = said.into_iter().find(|said| !said.is_empty()).unwrap_or_else(|| "it said nothing".into());
    Ok(match output.status.code() {
        Some(0) => Seen::Ready(format!("exit code 0: {said}")),
        Some(code) => Seen::NotYet(format!("exit code {code}: {said}")),
        None => Seen::NotYet(format!("ended by a signal: {said}")),
    })
}

/// The last lines that say something.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    shortened(&lines[lines.len().saturating_sub(3)..].join(" / "))
}
