//! Marks a machine as the cluster's, or refuses one that is somebody's.

use engine::failure::{Failure, Result};
use engine::host::{Attributes, Change, Command, Host, HostView, Mode};

use super::ground::Ground;
use crate::plan::{MachinePlan, NodePlan};
use crate::spec::Role;

/// What says whose a machine is, and what was made on it.
pub const FOLDER: &str = "/etc/seedbed";
/// Carried by machines of a cluster, so that `down` and other clusters know.
pub const CLUSTER_ID: &str = "/etc/seedbed/cluster-id";
/// The cluster's name, by which `down` knows its own machine when the state directory is lost.
pub const CLUSTER_NAME: &str = "/etc/seedbed/cluster";
/// The spec's path, which tells clusters of one name apart.
pub const SPEC: &str = "/etc/seedbed/spec";

/// Says what is in the way of a node: `runs SERVICE`, `holds FOLDER`, `user HOME`, `repositories FOLDER`.
const SURVEY: &str = "
for service in containerd docker kubelet crio k3s k3s-agent rke2-server rke2-agent; do
    if systemctl is-active --quiet \"$service.service\" 2>/dev/null; then echo \"runs $service.service\"; fi
done
for folder in /etc/kubernetes /etc/containerd /etc/cni/net.d /var/lib/containerd /var/lib/kubelet /var/lib/etcd /var/lib/cni; do
    if [ -n \"$(ls -A \"$folder\" 2>/dev/null)\" ]; then echo \"holds $folder\"; fi
done
if entry=$(getent passwd git); then echo \"user $(echo \"$entry\" | cut -d: -f6)\"; fi
if [ -n \"$(ls -A /srv/git 2>/dev/null)\" ]; then echo 'repositories /srv/git'; fi
";

/// Notes what is not there, so that `down` takes away what was made and nothing else, and puts files aside.
const NOTE: &str = "
set -eu
mkdir -p /etc/seedbed/made
for folder in /etc/kubernetes /etc/containerd /etc/containerd/certs.d /etc/cni /etc/cni/net.d /opt/cni /opt/cni/bin \
    /opt/containerd /opt/containerd/bin /opt/containerd/lib /srv/git /srv/registry /usr/local/lib/seedbed /var/lib/cni \
    /var/lib/containerd /var/lib/etcd /var/lib/kubelet /var/log/containers /var/log/pods; do
    [ -e \"$folder\" ] || echo \"$folder\"
done >/etc/seedbed/made/folders
grep '^127[.]0[.]1[.]1[[:space:]]' /etc/hosts >/etc/seedbed/made/own-name || true
for file in /etc/crictl.yaml /etc/systemd/system/containerd.service /etc/systemd/system/kubelet.service; do
    if [ -e \"$file\" ] && [ ! -e \"$file.before-seedbed\" ]; then cp -a \"$file\" \"$file.before-seedbed\"; fi
done
";

/// Marks the machine as the cluster's; answers whether it was not before.
pub async fn claim(ground: &Ground<'_>, node: &NodePlan, host: &Host) -> Result<bool> {
    let id = ground.plan.id.to_string();
    let mut view = host.view(Mode::Apply);
    let found = view.read(CLUSTER_ID).await?.map(|found| String::from_utf8_lossy(&found).trim().to_owned());
    // A machine that was reset just after the first writing keeps an empty file.
    if let Some(found) = found.as_ref().filter(|found| !found.is_empty()) {
        if *found == id {
            return Ok(false);
        }
        return Err(Failure::refused(format!("{} belongs to another cluster, {found}", node.name))
            .hint(format!("If that cluster is gone, reset the machine and remove {FOLDER} on it.")));
    }
    if view.stat("/etc/kubernetes/kubelet.conf").await?.is_some() {
        return Err(Failure::refused(format!(
            "{} is a node of a Kubernetes cluster that seedbed did not make",
            node.name
        ))
        .hint("Run `kubeadm reset` on it if it may go."));
    }
    if found.is_none() && matches!(node.machine, MachinePlan::Existing { .. }) {
        let git = node.role == Role::ControlPlane && ground.plan.gitops.as_ref().is_some_and(|gitops| gitops.embedded);
        survey(&mut view, &node.name, git).await?;
        script(&mut view, NOTE, &node.name).await?;
    }
    view.apply(Change::Directory { path: FOLDER.into(), attributes: Attributes::default() }).await?;
    let attributes = Attributes { mode: Some(0o644), ..Attributes::default() };
    view.write(CLUSTER_NAME, format!("{}\n", ground.plan.cluster), attributes.clone()).await?;
    view.write(SPEC, format!("{}\n", ground.plan.spec_file.display()), attributes.clone()).await?;
    view.write(CLUSTER_ID, format!("{id}\n"), attributes).await?;
    Ok(true)
}

/// Refuses a machine whose things a node would take over, and `down` take away.
async fn survey(view: &mut HostView<'_>, name: &str, git: bool) -> Result<()> {
    let output = view.run_query(Command::shell(SURVEY)).await?;
    if !output.success() {
        return Err(Failure::step(format!("{name} could not be looked at")).evidence(output.stderr_text()));
    }
    obstacles(name, &output.stdout_text(), git).map_or(Ok(()), Err)
}

fn obstacles(name: &str, survey: &str, git: bool) -> Option<Failure> {
    let obstacles: Vec<String> = survey.lines().filter_map(|line| obstacle(line, git)).collect();
    if obstacles.is_empty() {
        return None;
    }
    let mut failure = Failure::refused(format!("{name} is in use by something that seedbed did not make"));
    failure.causes = obstacles;
    Some(
        failure
            .hint(
                "seedbed takes these over, and `seedbed down` takes them away: take a machine that runs no containers.",
            )
            .hint(
                "If nothing of it is needed, remove it (with the packages that made it), and run `seedbed up` again.",
            ),
    )
}

fn obstacle(line: &str, git: bool) -> Option<String> {
    match line.split_once(' ')? {
        ("runs", service) => Some(format!("{service} runs")),
        ("holds", folder) => Some(format!("{folder} is not empty")),
        ("user", home) if git => Some(format!("it has a user git already, with the home {home}")),
        ("repositories", folder) if git => Some(format!("{folder} is not empty")),
        _ => None,
    }
}

async fn script(view: &mut HostView<'_>, script: &str, name: &str) -> Result<()> {
    match view.run(Command::shell(script)).await? {
        engine::host::Applied::Done(output) if !output.success() => {
            Err(Failure::step(format!("{name} could not be prepared")).evidence(output.stderr_text()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use engine::failure::Kind;

    use super::*;

    #[test]
    fn what_is_in_the_way_is_named_at_once() {
        let survey = "runs docker.service\nholds /var/lib/containerd\nuser /home/git\n";
        let failure = obstacles("cp", survey, true).unwrap();
        assert_eq!(failure.kind, Kind::Refused);
        assert_eq!(
            failure.causes,
            [
                "docker.service runs",
                "/var/lib/containerd is not empty",
                "it has a user git already, with the home /home/git"
            ]
        );
        assert_eq!(obstacles("worker", "user /home/git\nrepositories /srv/git\n", false), None, "it hosts no Git");
        assert_eq!(obstacles("cp", "", true), None);
    }
}
