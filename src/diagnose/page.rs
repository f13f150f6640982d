//! The first page: the cause before anything else.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use engine::failure::Failure;

use super::collector::Found;
use crate::error::{exit_code, render};
use crate::report::{Paint, bytes};
use crate::spec::Cluster;

/// What the files are, in the order in which they are worth a look.
const GUIDE: [(&str, &str); 9] = [
    ("run.txt", "the last run in lines, with the output of programs, and where its time went"),
    ("kubeadm.txt", "what kubeadm wrote in it"),
    ("journal.jsonl", "its events; `seedbed replay` redraws it"),
    ("plan.json", "what was to be made"),
    ("kubernetes/flux.txt", "every object of Flux with its message"),
    ("kubernetes/events.txt", "the events of the cluster, the newest last"),
    ("kubernetes/logs/", "controllers, system pods, and pods that are not Ready"),
    ("hosts/", "journals, containers and system of each node; overview.txt first"),
    ("machines/", "what libvirt says, and the consoles"),
];

/// Writes it.
pub fn page(cluster: &Cluster, reported: &[Failure], found: &Found, files: &BTreeMap<String, String>) -> String {
    let now: Vec<Failure> = found.problems.iter().map(|(_, failure)| failure.clone()).collect();
    let mut page = String::new();
    if !reported.is_empty() {
        let code = exit_code(reported);
        let _ = writeln!(page, "`seedbed up` failed with exit code {code}. The cause:\n\n{}", plain(reported));
    }
    match (now.split_first(), reported.is_empty()) {
        (None, true) => page.push_str("Nothing that seedbed looks at is wrong now.\n\n"),
        (None, false) => page.push_str("Since then, nothing that seedbed looks at is wrong.\n\n"),
        (Some((first, rest)), asked) => {
            let title = if asked { "The cause, as seedbed sees it now:" } else { "What seedbed sees now:" };
            let _ = writeln!(page, "{title}\n\n{}", plain(std::slice::from_ref(first)));
            if !rest.is_empty() {
                let _ = writeln!(page, "What may follow from it:\n\n{}", plain(rest));
            }
        }
    }
    let (name, version, at) = (&cluster.name, env!("CARGO_PKG_VERSION"), jiff::Timestamp::now());
    let _ = writeln!(page, "The cluster {name}, gathered by seedbed {version} at {at:.0}. Secrets are masked.\n");
    contents(&mut page, found, files);
    page
}

fn plain(failures: &[Failure]) -> String {
    render(failures, Paint::Never)
}

fn contents(page: &mut String, found: &Found, files: &BTreeMap<String, String>) {
    page.push_str("In here:\n");
    let is_there = |name: &str| files.keys().any(|file| file.starts_with(name));
    for (name, what) in GUIDE.into_iter().filter(|(name, _)| is_there(name)) {
        let _ = writeln!(page, "  {name:22} {what}");
    }
    page.push_str("\nAll files:\n");
    for (name, text) in files {
        let _ = writeln!(page, "  {:>10}  {name}", bytes(text.len() as u64));
    }
    if !found.missing.is_empty() {
        page.push_str("\nCould not be had:\n");
    }
    for (name, why) in &found.missing {
        let _ = writeln!(page, "  {name}: {}", why.trim().replace('\n', "\n    "));
    }
}

#[cfg(test)]
mod tests {
    use super::super::collector::{Collector, Level};
    use super::*;

    fn cluster() -> Cluster {
        crate::spec::parse("cluster: demo\nnodes: [{name: cp, role: control-plane}]\n", "seedbed.yaml").unwrap()
    }

    fn found(with_problems: bool) -> Found {
        let collector = Collector::new(1);
        if with_problems {
            let api = Failure::step("the API at https://10.77.1.10:6443 does not answer").cause("connection refused");
            collector.problem(Level::Api, api);
            collector
                .problem(Level::Machine, Failure::step("the machine demo-cp is off").hint("`seedbed up` starts it."));
            collector.lacks("kubernetes", "the API at https://10.77.1.10:6443 does not answer: connection refused");
        }
        collector.end()
    }

    /// All but when it was gathered.
    fn shown(reported: &[Failure], with_problems: bool) -> String {
        let files = [("plan.json", "{}"), ("machines/machines.txt", "text")];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let page = page(&cluster(), reported, &found(with_problems), &files);
        let line =
            |line: &str| if line.starts_with("The cluster") { "The cluster ...".to_owned() } else { line.to_owned() };
        page.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_failure_that_was_reported_comes_first() {
        let failure = Failure::not_ready("the repository does not become Ready")
            .cause("Kustomization/flux-system/apps")
            .cause("Pod/apps/web container web: container has runAsNonRoot and image will run as root");
        insta::assert_snapshot!(shown(&[failure], false));
    }

    #[test]
    fn the_deepest_of_what_is_wrong_now_comes_first() {
        insta::assert_snapshot!(shown(&[], true));
    }

    #[test]
    fn a_cluster_that_is_well_is_said_to_be() {
        insta::assert_snapshot!(shown(&[], false));
    }
}
