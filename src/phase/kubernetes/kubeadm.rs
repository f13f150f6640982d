//! Runs kubeadm, and says why it failed in its own words.

use std::time::Duration;

use engine::event::Step;
use engine::failure::{Failure, Result};
use engine::host::{Applied, Command, Host, Mode, Output};

use super::diagnosis;
use crate::plan::MachinePlan;

/// What marks a host on which kubeadm has finished. Before it, what there is may be half done.
pub const MARK: &str = "/etc/kubernetes/seedbed/whole";
/// Its configuration, placed by the playbooks.
pub const CONFIG: &str = "/etc/kubernetes/seedbed/kubeadm.yaml";

/// The arguments that keep preflight from what our own machine image lacks on purpose: the kernel's configuration.
///
/// Machines that exist are checked whole: their kernels are not known.
pub const fn preflight(machine: &MachinePlan) -> &'static [&'static str] {
    match machine {
        MachinePlan::Libvirt { .. } => &["--ignore-preflight-errors", "SystemVerification"],
        MachinePlan::Existing { .. } => &[],
    }
}

/// Runs kubeadm with its output shown as it comes.
pub async fn run(host: &Host, arguments: &[&str], timeout: Duration, step: &Step) -> Result<()> {
    let mut view = host.view(Mode::Apply).with_step(step);
    let words = std::iter::once("kubeadm").chain(arguments.iter().copied());
    let mut command = Command::argv(words).timeout(timeout).live();
    command.environment.push(("PATH".into(), "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()));
    let shown = command.to_string();
    match view.run(command).await? {
        Applied::Done(output) if !output.success() => {
            let failure = failed(host.name(), &shown, &output);
            Err(diagnosis::with_host(failure, host).await)
        }
        Applied::Done(_) | Applied::Withheld => Ok(()),
    }
}

/// Undoes what kubeadm left half done.
pub async fn reset(host: &Host, step: &Step) -> Result<()> {
    let step = step.child("undo what an earlier kubeadm left half done");
    let result = run(host, &["reset", "--force"], Duration::from_secs(600), &step).await;
    step.conclude(result)
}

fn failed(host: &str, command: &str, output: &Output) -> Failure {
    let errors = output.stderr_text();
    let text = if errors.trim().is_empty() { output.stdout_text() } else { errors };
    let failure =
        Failure::step(format!("kubeadm failed on {host}")).cause(format!("`{command}` ended with {}", output.code));
    // kubeadm ends with the cause, and then with how to see more of it.
    let telling = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("[ERROR") || line.starts_with("error:") || line.starts_with("error execution phase")
    };
    let failure = text.lines().filter(telling).fold(failure, |failure, line| failure.cause(line.trim()));
    failure.evidence(tail(&text, 30))
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_message_is_the_deepest_cause() {
        let stderr = "W1122 warning\nerror execution phase preflight: [preflight] Some fatal errors occurred:\n\t[ERROR Port-6443]: Port 6443 is in use\n[preflight] If you know what you are doing\n";
        let output = Output { code: 1, stdout: Vec::new(), stderr: stderr.into() };
        let failure = failed("cp", "kubeadm init", &output);
        assert_eq!(failure.causes.last().unwrap(), "[ERROR Port-6443]: Port 6443 is in use");
    }
}
