//! Looks into playbooks before anything is made: mistakes, missing files, names that nothing defines.

use std::collections::BTreeSet;

use engine::failure::Failure;
use engine::playbook;

use super::cluster::Cluster;
use super::problems::snippet;
use super::tree::Span;
use crate::assets::Assets;

/// Names that every playbook can use, see `phase::Ground::variables`.
const EVERYWHERE: &str =
    "cluster node emulated single version endpoint port pod_network service_network images ansible_host ansible_user";

/// Names that only seedbed's own playbooks are given.
const OWN: &str = "bits bits_disk bits_label archives first_archives authorized_keys hosts_entries kubelet_credential \
                   authorities encryption_key kubeadm_config git_repository git_branch git_flux_key git_automation_key \
                   git_workstation_key git_webhook cluster_id keep_images registry_name \
                   registry_authority registry_authorization registry_volume registry_port registry_htpasswd \
                   registry_credential registry_id registry_of";

/// Every mistake of the user's playbooks, and of seedbed's own where a file of the user stands in for one of ours.
pub fn check(cluster: &Cluster, assets: &Assets) -> Vec<Failure> {
    let variables = cluster.provision.variables.keys().cloned();
    let known: BTreeSet<String> = words(EVERYWHERE).chain(variables).collect();
    let mut failures = Vec::new();
    for file in cluster.provision.playbooks.iter().filter(|file| file.is_file()) {
        failures.extend(playbook::check(&file.display().to_string(), assets, &known));
    }
    if !assets.overrides().is_empty() {
        failures.extend(own(assets, &known));
    }
    failures.into_iter().map(|failure| with_snippet(failure, assets)).collect()
}

/// Shows the line, as for the spec's own mistakes.
fn with_snippet(failure: Failure, assets: &Assets) -> Failure {
    let Some(place) = failure.place.clone().filter(|place| place.line > 0 && failure.evidence.is_none()) else {
        return failure;
    };
    let name = place.file.strip_prefix("embedded:").unwrap_or(&place.file);
    let file = engine::asset::Assets::read(assets, name);
    let span = Span { line: place.line, column: place.column, width: 1 };
    match file.ok().and_then(|file| snippet(file.text().ok()?, span)) {
        Some(snippet) => failure.evidence(snippet),
        None => failure,
    }
}

fn own(assets: &Assets, known: &BTreeSet<String>) -> Vec<Failure> {
    let known: BTreeSet<String> = known.iter().cloned().chain(words(OWN)).collect();
    let names = assets.list().into_iter().map(|listed| listed.name);
    let playbooks = names.filter(|name| name.starts_with("playbooks/"));
    playbooks.flat_map(|name| playbook::check(name, assets, &known)).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_playbooks_hold_no_mistake() {
        let failures = own(&Assets::embedded(), &words(EVERYWHERE).collect());
        assert_eq!(failures, []);
    }
}
