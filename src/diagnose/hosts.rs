//! The hosts, over SSH: journals, containers, and what the system says.

use engine::event::Step;
use engine::failure::{Failure, Result};
use engine::host::{Command, Host, Mode};
use futures::future::join_all;
use futures::stream::{self, StreamExt as _};

use super::collector::{Collector, Level};
use super::ground::Ground;
use crate::identity::Identity;
use crate::phase::kubernetes::LOOK;
use crate::plan::NodePlan;

/// What is wrong with the services of a host, in short; the first file that is looked at.
const OVERVIEW: &str = "overview.txt";

/// What is asked, each for a file of its own. All of it only looks.
const QUESTIONS: [(&str, &str); 9] = [
    (OVERVIEW, LOOK),
    ("kubelet.log", "journalctl --unit=kubelet --no-pager --output=short-iso --lines=1500"),
    ("containerd.log", "journalctl --unit=containerd --no-pager --output=short-iso --lines=1000"),
    (
        "seedbed-images.log",
        "journalctl --unit=seedbed-images --unit=seedbed-images-rest --unit=seedbed-registry --no-pager \
         --output=short-iso --lines=300",
    ),
    ("warnings.log", "journalctl --boot --priority=warning --no-pager --output=short-iso --lines=500"),
    ("cloud-init.log", "tail -n 300 /var/log/cloud-init-output.log"),
    ("containers.txt", "crictl pods; echo; crictl ps --all; echo; crictl images"),
    (
        "static-pods.log",
        // The API server's own log is needed most when it cannot be asked for it.
        r#"for log in /var/log/pods/kube-system_*/*/*.log; do
    [ -f "$log" ] && echo "== $log" && tail -n 150 "$log"
done
exit 0"#,
    ),
    (
        "system.txt",
        r#"for command in 'uname -a' uptime 'timedatectl status' 'free -m' 'df -h' 'ip address' 'ip route' \
    'systemctl --failed --no-pager' 'ls -lR /etc/kubernetes' 'cat /etc/hosts' 'cat /var/lib/kubelet/config.yaml'; do
    echo "\$ $command"
    $command 2>&1
    echo
done"#,
    ),
];

/// How many questions a host is asked side by side.
const AT_ONCE: usize = 3;

/// The most that is kept of one answer.
const LARGEST: usize = 1 << 20;

pub async fn gather(ground: &Ground<'_>, to: &Collector, step: &Step) {
    let (identity, applied) = match ground.reach() {
        Ok(reach) => reach,
        Err(why) => return to.lacks("hosts", why),
    };
    join_all(applied.nodes.iter().map(|node| one(node, identity, to, step))).await;
}

async fn one(node: &NodePlan, identity: &Identity, to: &Collector, step: &Step) {
    let step = step.child_of("host", &node.name, &[]);
    let directory = format!("hosts/{}", node.name);
    match to.source(&directory, 9, connect(node, identity, to, &step)).await {
        Ok(host) => {
            let (host, directory) = (&host, &directory);
            let asked = |(name, script)| answer(name, script, directory, host, to);
            stream::iter(QUESTIONS).for_each_concurrent(AT_ONCE, asked).await;
        }
        Err(failure) => to.problem(Level::Host, failure),
    }
    step.finish(false);
}

async fn connect(node: &NodePlan, identity: &Identity, to: &Collector, step: &Step) -> Result<Host> {
    let mut target = crate::up::target(node, identity)?;
    target.deadline = to.seconds(8);
    Ok(Host::connect(&target, step).await?)
}

async fn answer(name: &str, script: &str, directory: &str, host: &Host, to: &Collector) {
    let path = format!("{directory}/{name}");
    let Ok(text) = to.source(&path, 12, run(script, host)).await else { return };
    if name == OVERVIEW {
        services(&text, host.name(), to);
    }
    to.put(path, text);
}

async fn run(script: &str, host: &Host) -> Result<String> {
    let command = Command::shell(format!("PATH=/usr/local/bin:$PATH\n{script}"));
    let output = host.view(Mode::Check).run_query(command).await?;
    let (mut text, errors) = (last(&output.stdout_text()), output.stderr_text());
    if text.trim().is_empty() && !output.success() {
        return Err(Failure::step(format!("it ended with {}", output.code)).cause(errors.trim()));
    }
    if !errors.trim().is_empty() {
        text.push_str(&format!("\nstderr:\n{}", last(&errors)));
    }
    Ok(text)
}

/// A service that does not run is a cause; the overview tells its last lines.
fn services(overview: &str, host: &str, to: &Collector) {
    for service in ["containerd", "kubelet"] {
        let begin = format!("{service} is ");
        let state = overview.lines().find_map(|line| line.strip_prefix(&begin));
        if let Some(state) = state.filter(|state| *state != "active") {
            let failure = Failure::step(format!("{service} on {host} is {state}"));
            let hint = format!("See its journal: hosts/{host}/{service}.log.");
            to.problem(Level::Service, failure.evidence(overview.trim_end()).hint(hint));
        }
    }
}

/// The last part of a text, from the beginning of a line.
pub fn last(text: &str) -> String {
    let Some(cut) = text.len().checked_sub(LARGEST) else { return text.to_owned() };
    let from = text.as_bytes()[cut..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| cut + at + 1);
    text.get(from..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_the_last_whole_lines_are_kept() {
        let text = format!("{}\nä{}\nlast\n", "x".repeat(100), "y".repeat(LARGEST - 50));
        assert_eq!(last(&text), format!("ä{}\nlast\n", "y".repeat(LARGEST - 50)));
        assert_eq!(last("short"), "short");
        assert_eq!(last(&"z".repeat(LARGEST + 1)), "");
    }
}
