//! Whole playbooks: what is wrong with them, and all of it.

use std::collections::BTreeSet;

use crate::asset::{Asset, Assets};
use crate::failure::{Failure, Result};

/// Files by their names.
struct Files<'a>(&'a [(&'a str, &'a str)]);

impl Assets for Files<'_> {
    fn read(&self, name: &str) -> Result<Asset> {
        let found = self.0.iter().find(|(other, _)| *other == name);
        let (_, text) = found.ok_or_else(|| Failure::invalid(format!("{name} does not exist")))?;
        Ok(Asset { bytes: text.as_bytes().to_vec().into(), origin: name.to_owned() })
    }
}

/// Every mistake with its hints, a line each.
fn mistakes(files: &[(&str, &str)], known: &[&str]) -> String {
    let known: BTreeSet<String> = known.iter().map(|name| (*name).to_owned()).collect();
    let found = super::check(files[0].0, &Files(files), &known);
    let line = |failure: &Failure| {
        let lines: Vec<&str> = failure.hints.iter().map(String::as_str).collect();
        std::iter::once(failure.to_string().as_str()).chain(lines).collect::<Vec<_>>().join("\n    ") + "\n"
    };
    found.iter().map(line).collect()
}

#[test]
fn every_mistake_is_found_with_its_place() {
    let playbook = r"- name: All wrong
  host: all
  becme: true
  tasks:
    - name: Unknown module
      copi: {dest: /a}
    - name: Unknown parameter and a wrong mode
      ansible.builtin.copy: {dest: /a, contents: x, mode: 644}
    - name: Missing parameter
      file: {state: directory}
    - name: A path that is none
      file: {path: etc/a, state: drectory}
    - regsiter: x
      command: ls
    - name: Two modules
      command: ls
      shell: ls
    - name: A condition that does not parse
      command: ls
      when: a ==
    - name: Not yet
      command: ls
      async: 10
    - include_tasks: more.yaml
";
    let more = "- name: In a file of its own\n  sysctl: {nam: a.b, value: 1}\n";
    insta::assert_snapshot!(mistakes(&[("p.yaml", playbook), ("more.yaml", more)], &[]));
}

#[test]
fn names_that_nothing_defines_are_found() {
    let playbook = r#"- hosts: all
  vars: {here: "{{ ther }}", there: 1}
  tasks:
    - command: echo {{ here }} {{ given }} {{ ansible_hostname }} {{ nowhere }}
      register: said
    - debug: {msg: "{{ said.stdout }} {{ maybe | default('x') }} {{ item }}"}
      loop: [1, 2]
      when: guarded is defined and guarded
      notify: Restrt
    - debug: {var: guarded}
      when: guarded is defined
    - template: {src: a.conf, dest: /etc/a.conf}
    - template: {src: missing.conf, dest: /etc/a.conf}
  handlers:
    - name: Restart
      command: ls
"#;
    let template = "one\n{% for x in there %}{{ x }}{% endfor %}\n{{ unknown_name }}\n";
    insta::assert_snapshot!(mistakes(&[("p.yaml", playbook), ("templates/a.conf", template)], &["given"]));
}

#[test]
fn a_template_that_does_not_parse_names_its_line() {
    let playbook = "- hosts: all\n  tasks:\n    - template: {src: a.conf, dest: /etc/a.conf}\n";
    insta::assert_snapshot!(mistakes(
        &[("p.yaml", playbook), ("templates/a.conf", "one\ntwo {{ x\n{% if %}\n")],
        &["x"]
    ));
}

#[test]
fn the_playbooks_of_seedbed_have_no_mistakes() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let read = |name: &str| -> Result<Asset> {
        let bytes = std::fs::read(format!("{root}/{name}"));
        let bytes = bytes.map_err(|error| Failure::invalid(format!("cannot read {name}")).because(&error))?;
        Ok(Asset { bytes: bytes.into(), origin: name.to_owned() })
    };
    let directory = std::fs::read_dir(format!("{root}/playbooks")).unwrap();
    for entry in directory {
        let name = format!("playbooks/{}", entry.unwrap().file_name().to_str().unwrap());
        let playbook = super::load(&name, &read).unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}"));
        assert!(!playbook.plays.is_empty());
    }
}
