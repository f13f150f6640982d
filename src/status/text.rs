//! A status for people.

use std::fmt::{Display, Write as _};

use super::Status;
use crate::report::Paint;

/// Lays a status out as tables.
pub fn text(status: &Status, paint: Paint) -> String {
    let mut text = String::new();
    let verdict = if status.healthy { paint.green("healthy") } else { paint.red("not healthy") };
    let _ = writeln!(text, "{} is {verdict}\n", paint.bold(&status.cluster));
    let machines = status.machines.iter().map(|machine| {
        let good = matches!(machine.state.as_str(), "running" | "existing");
        let address = machine.address.map(|address| address.to_string()).unwrap_or_default();
        (good, [machine.node.clone(), machine.state.clone(), address, machine.domain.clone().unwrap_or_default()])
    });
    table(&mut text, "machines", machines, paint);
    let nodes = status.nodes.iter().map(|node| {
        let state = if node.ready { "Ready" } else { "not Ready" };
        (node.ready, [node.name.clone(), state.to_owned(), node.message.clone()])
    });
    table(&mut text, "nodes", nodes, paint);
    let objects = status.objects.iter().map(|object| {
        let state = match (object.ready, object.suspended) {
            (_, true) => "suspended",
            (true, false) => "Ready",
            (false, false) => "not Ready",
        };
        // Messages of Flux may be whole manifests; the first line tells what it is.
        let message = object.message.lines().next().unwrap_or_default();
        (object.ready, [object.key.to_string(), state.to_owned(), message.to_owned()])
    });
    table(&mut text, "Flux", objects, paint);
    let registry = status.registry.iter().map(|registry| {
        let state = if registry.ready { "answers" } else { "does not answer" };
        (registry.ready, [registry.name.clone(), state.to_owned(), registry.message.clone()])
    });
    table(&mut text, "registry", registry, paint);
    if !status.problems.is_empty() {
        let _ = writeln!(text, "{}", paint.bold("problems"));
    }
    for problem in &status.problems {
        let _ = writeln!(text, "  {}", problem.replace('\n', "\n  "));
    }
    text
}

fn table<const COLUMNS: usize>(
    text: &mut String,
    title: impl Display,
    rows: impl Iterator<Item = (bool, [String; COLUMNS])>,
    paint: Paint,
) {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", paint.bold(&title.to_string()));
    let width = |column: usize| rows.iter().map(|(_, row)| row[column].chars().count()).max().unwrap_or_default();
    for (good, row) in &rows {
        let mut line = String::from("  ");
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(width(column) - cell.chars().count() + 2);
            let shown = if column == 1 && !good { paint.red(cell) } else { cell.clone() };
            line.extend([shown.as_str(), padding.as_str()]);
        }
        text.extend([line.trim_end(), "\n"]);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::{MachineStatus, NodeStatus, RegistryStatus};
    use super::*;
    use crate::flux::{Key, ObjectStatus};
    use crate::spec::Role;

    #[test]
    fn a_cluster_with_a_problem_is_laid_out() {
        let object = |kind: &str, name: &str, ready, message: &str| ObjectStatus {
            key: Key::new(kind, "flux-system", name),
            ready,
            suspended: false,
            message: message.into(),
            revision: "main@sha1:0123456".into(),
        };
        let status = Status {
            cluster: "demo".into(),
            healthy: false,
            machines: vec![MachineStatus {
                node: "cp".into(),
                role: Role::ControlPlane,
                domain: Some("demo-cp".into()),
                state: "running".into(),
                address: Some([10, 77, 1, 10].into()),
            }],
            nodes: vec![NodeStatus { name: "cp".into(), ready: true, message: "v1.36.3".into() }],
            objects: vec![
                object("GitRepository", "flux-system", true, "stored artifact for revision"),
                object("Kustomization", "apps", false, "health check failed\nDeployment/apps/web: timeout"),
            ],
            registry: Some(RegistryStatus { name: "10.77.1.10:5000".into(), ready: true, message: String::new() }),
            problems: vec!["Kustomization/flux-system/apps: health check failed\nDeployment/apps/web: timeout".into()],
        };
        insta::assert_snapshot!(text(&status, Paint::Never), @r#"
        demo is not healthy

        machines
          cp  running  10.77.1.10  demo-cp

        nodes
          cp  Ready  v1.36.3

        Flux
          GitRepository/flux-system/flux-system  Ready      stored artifact for revision
          Kustomization/flux-system/apps         not Ready  health check failed

        registry
          10.77.1.10:5000  answers

        problems
          Kustomization/flux-system/apps: health check failed
          Deployment/apps/web: timeout
        "#);
    }
}
