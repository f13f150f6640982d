//! The provision section.

use engine::failure::Failure;

use super::Context;
use crate::spec::cluster::Provision;
use crate::spec::raw;
use crate::spec::read::Placed;

/// Names that seedbed and the engine give values to.
const TAKEN: [&str; 9] =
    ["item", "omit", "hostvars", "groups", "inventory_hostname", "ansible_facts", "vars", "cluster", "node"];

pub fn convert(written: Option<&Placed<raw::Provision>>, context: &mut Context<'_, '_>) -> Provision {
    let Some(provision) = written else { return Provision::default() };
    let playbooks = provision.playbooks.as_ref().map_or(&[][..], |playbooks| &playbooks.value);
    let variables = provision.variables.as_ref().map_or(&[][..], |variables| &variables.0);
    for (name, _) in variables {
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !name.starts_with(letter) || !name.chars().all(|c| letter(c) || c.is_ascii_digit()) {
            let failure = Failure::invalid(format!("`{}` is no name of a variable", name.value));
            context.invalid(name.span, failure.hint("Use letters, digits and underscores, and no digit first."));
        } else if TAKEN.contains(&name.as_str()) {
            let failure = Failure::invalid(format!("the variable `{}` has its value from seedbed", name.value));
            context.invalid(name.span, failure.hint("Choose another name."));
        }
    }
    Provision {
        playbooks: playbooks.iter().map(|file| context.path(file, "the playbook", false)).collect(),
        variables: variables.iter().map(|(name, value)| (name.value.clone(), value.value.clone())).collect(),
    }
}
