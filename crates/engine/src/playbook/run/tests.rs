//! Whole playbooks over a real sshd, with the files of a temporary directory.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::{HostContext, HostRecap, Recap, RunOptions, run, run_on};
use crate::asset::Asset;
use crate::event::{EventKind, Events};
use crate::failure::{Failure, Result};
use crate::host::Host;
use crate::host::tests::{Sshd, World, connect};
use crate::playbook;
use crate::template::Layer;

/// A host on this machine, and a playbook that may use `{{ dir }}`.
struct Bench {
    world: World,
    host: Host,
    _sshd: Sshd,
}

impl Bench {
    async fn new(shell: &str) -> Self {
        let world = World::with(shell);
        let sshd = Sshd::start(&world);
        let host = connect(&world.target(sshd.port)).await;
        Self { world, host, _sshd: sshd }
    }

    fn context(&self) -> HostContext<'_> {
        let directory = self.world.remote("");
        let variables = Layer::data([("dir".to_owned(), json!(directory.trim_end_matches('/')))]);
        HostContext {
            host: &self.host,
            groups: vec!["nodes".into()],
            user: "root".into(),
            variables,
            extra: Layer::default(),
        }
    }

    async fn play(&self, files: &[(&str, &str)]) -> (Result<HostRecap>, Vec<EventKind>) {
        self.play_with(files, &RunOptions::default()).await
    }

    async fn play_with(&self, files: &[(&str, &str)], options: &RunOptions) -> (Result<HostRecap>, Vec<EventKind>) {
        let assets = assets(files);
        let playbook = playbook::load(files[0].0, &assets).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let (events, receiver) = Events::new();
        let step = events.step("play");
        let recap = run_on(&playbook, &self.context(), &assets, options, &step).await;
        step.finish(true);
        drop(events);
        (recap, receiver.into_iter().map(|event| event.kind).collect())
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.world.file(name)).unwrap()
    }
}

fn assets<'a>(files: &[(&'a str, &'a str)]) -> impl Fn(&str) -> Result<Asset> + Sync + use<'a> {
    let files: BTreeMap<String, Vec<u8>> =
        files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    move |name| {
        let bytes = files.get(name).cloned().ok_or_else(|| Failure::invalid(format!("{name} does not exist")))?;
        Ok(Asset { bytes: bytes.into(), origin: format!("embedded:{name}") })
    }
}

const NODE: &str = r#"
- hosts: all
  become: true
  gather_facts: false
  vars:
    port: 6443
    url: "https://{{ name }}:{{ port }}"
    name: api
  tasks:
    - name: Make directories
      file: {path: "{{ dir }}/{{ item }}", state: directory, mode: "0700"}
      loop: [etc, etc/pki]
    - name: Render
      template: {src: a.conf, dest: "{{ dir }}/etc/a.conf", mode: "0640"}
      notify: [reread, A handler]
    - name: Place
      copy: {dest: "{{ dir }}/etc/b.conf", content: "{{ {'a': 1} | to_nice_json }}"}
    - name: Edit
      lineinfile: {path: "{{ dir }}/etc/a.conf", regexp: '^swap', line: swap=off}
      register: edited
    - name: Block
      blockinfile: {path: "{{ dir }}/hosts", create: true, block: "10.0.0.1 {{ name }}"}
    - name: Run once
      shell: echo made >>{{ dir }}/log; echo said
      args: {creates: "{{ dir }}/log"}
      register: said
    - name: Only look
      command: cat {{ dir }}/log
      changed_when: false
      register: log
    - name: Not now
      command: "false"
      when: log.stdout != 'made'
    - set_fact: {lines: "{{ log.stdout_lines | length }}"}
    - assert: {that: ["lines | int == 1", "log is succeeded"]}
  handlers:
    - name: A handler
      shell: echo {{ url }} >>{{ dir }}/handled
    - name: Never
      command: "false"
    - name: By topic
      listen: reread
      shell: echo topic >>{{ dir }}/handled
"#;

#[tokio::test]
async fn a_playbook_makes_it_so_and_again_changes_nothing_with_every_shell() {
    let template = "url = {{ url }}\n{% if port > 1 %}\nswap=on\n{% endif %}\n";
    let files = [("node.yaml", NODE), ("templates/a.conf", template)];
    for shell in ["dash", "bash", "busybox"] {
        let bench = Bench::new(shell).await;
        let (recap, _) = bench.play(&files).await;
        let recap = recap.unwrap_or_else(|failure| panic!("{shell}: {failure:#?}"));
        assert_eq!(bench.read("etc/a.conf"), "url = https://api:6443\nswap=off\n", "{shell}");
        assert_eq!(bench.read("etc/b.conf"), "{\n    \"a\": 1\n}");
        assert_eq!(bench.read("hosts").lines().nth(1), Some("10.0.0.1 api"));
        assert_eq!(bench.read("handled"), "https://api:6443\ntopic\n", "{shell}");
        let mode = |name: &str| std::fs::metadata(bench.world.file(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("etc/pki"), mode("etc/a.conf"), mode("etc/b.conf")), (0o700, 0o640, 0o644), "{shell}");
        assert_eq!((recap.changed, recap.skipped, recap.failed), (8, 1, 0), "{shell}: {recap:?}");

        // The template and the edit of its file undo each other; leave the edit out.
        let (recap, _) = bench.play(&[("node.yaml", &NODE.replace("swap=off", "swap=on")), files[1]]).await;
        assert_eq!(recap.unwrap().changed_tasks, ["Render", "A handler", "By topic"], "{shell}");
        let (recap, _) = bench.play(&[("node.yaml", &NODE.replace("swap=off", "swap=on")), files[1]]).await;
        assert_eq!(recap.unwrap().changed_tasks, Vec::<String>::new(), "{shell}");
    }
}

#[tokio::test]
async fn check_mode_alters_nothing_and_shows_what_would_differ() {
    let bench = Bench::new("dash").await;
    std::fs::write(bench.world.file("a"), "one\n").unwrap();
    let playbook = "- hosts: all\n  gather_facts: false\n  tasks:\n    - copy: {dest: '{{ dir }}/a', content: \"two\\n\"}\n    - command: rm {{ dir }}/a\n";
    let options = RunOptions { check: true, ..RunOptions::default() };
    let (recap, events) = bench.play_with(&[("p.yaml", playbook)], &options).await;
    let recap = recap.unwrap();
    assert_eq!((recap.changed, recap.skipped, bench.read("a").as_str()), (1, 1, "one\n"));
    let output: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            EventKind::Output { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(output[2..], ["@@ -1,1 +1,1 @@", "-one", "+two"]);
}

#[tokio::test]
async fn a_failure_tells_host_task_command_and_place() {
    let bench = Bench::new("dash").await;
    let playbook = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Break {{ 1 + 1 }}\n      shell: echo why >&2; exit 3\n    - command: touch {{ dir }}/after\n";
    let (recap, events) = bench.play(&[("p.yaml", playbook)]).await;
    let failure = recap.unwrap_err();
    assert_eq!(failure.to_string(), "embedded:p.yaml:4:7: node: the task `Break 2` failed: it ended with 3");
    assert_eq!(failure.evidence.as_deref(), Some("$ sh -c 'echo why >&2; exit 3'\nwhy"));
    assert!(!bench.world.file("after").exists());
    assert!(events.iter().any(|event| matches!(event, EventKind::Failed { .. })));
    let hidden = playbook.replace("      shell", "      no_log: true\n      shell");
    let (recap, events) = bench.play(&[("p.yaml", &hidden)]).await;
    assert!(!format!("{recap:?}{events:?}").contains("why"));
}

#[tokio::test]
async fn blocks_rescue_and_always_run() {
    let bench = Bench::new("dash").await;
    let playbook = r#"
- hosts: nodes
  gather_facts: false
  tasks:
    - block:
        - shell: echo block >>{{ dir }}/log
        - command: "false"
        - shell: echo never >>{{ dir }}/log
      rescue:
        - shell: echo rescue {{ ansible_failed_result.failed }} >>{{ dir }}/log
      always:
        - shell: echo always >>{{ dir }}/log
    - command: "false"
      ignore_errors: true
      register: ignored
    - command: "false"
      failed_when: false
    - shell: echo x >>{{ dir }}/tries; [ $(wc -l <{{ dir }}/tries) -ge 3 ]
      register: tried
      until: tried is succeeded
      retries: 5
      delay: 0
    - shell: echo {{ ignored.failed }} {{ tried.attempts }} >>{{ dir }}/log
- hosts: others
  tasks:
    - fail: {msg: not meant}
"#;
    let (recap, _) = bench.play(&[("p.yaml", playbook)]).await;
    let recap = recap.unwrap();
    assert_eq!(bench.read("log"), "block\nrescue True\nalways\nTrue 3\n");
    assert_eq!((recap.failed, recap.rescued, recap.ignored), (0, 1, 1));
}

#[tokio::test]
async fn loops_conditions_environment_users_and_facts() {
    let bench = Bench::new("dash").await;
    std::fs::set_permissions(bench.world.file(""), PermissionsExt::from_mode(0o777)).unwrap();
    let playbook = r#"
- hosts: all
  become: true
  environment: {PROXY: "http://{{ inventory_hostname }}"}
  tasks:
    - shell: echo {{ item.key }}={{ item.value }} >>{{ dir }}/log
      with_dict: {a: 1, b: 2}
      when: item.value != 1
    - shell: echo {{ index }}{{ word }} $PROXY $MORE >>{{ dir }}/log
      loop: "{{ ['x', 'y'] }}"
      loop_control: {loop_var: word, index_var: index}
      environment: {MORE: "{{ word }}"}
      register: looped
    - shell: id -un >>{{ dir }}/user
      become_user: nobody
    - shell: echo {{ looped.results | map(attribute='word') | join }} {{ ansible_system }} >>{{ dir }}/log
    - copy: {dest: "{{ dir }}/omitted", content: x, mode: "{{ mode | default(omit) }}"}
    - command: "{{ nothing }}"
      loop: "{{ nowhere }}"
      when: false
"#;
    let (recap, _) = bench.play(&[("p.yaml", playbook)]).await;
    recap.unwrap();
    assert_eq!(bench.read("log"), "b=2\n0x http://node x\n1y http://node y\nxy Linux\n");
    assert_eq!(bench.read("user"), "nobody\n");
}

#[tokio::test]
async fn linear_hosts_wait_for_each_other_and_a_failed_one_holds_up_nobody() {
    let (one, other) = (Bench::new("dash").await, Bench::new("dash").await);
    let shared = one.world.remote("log");
    let playbook = r#"
- hosts: all
  gather_facts: false
  vars: {log: LOG}
  tasks:
    - shell: "{{ slow }}; echo a >>{{ log }}"
    - shell: echo b >>{{ log }}
    - shell: echo once >>{{ log }}
      run_once: true
    - shell: "{{ break }}"
    - shell: echo c >>{{ log }}
"#;
    let playbook_text = playbook.replace("LOG", &shared);
    let assets = assets(&[("p.yaml", playbook_text.as_str())]);
    let playbook = playbook::load("p.yaml", &assets).unwrap();
    let context = |bench: &'_ Bench, slow: &str, stop: &str| {
        let variables = [("slow".to_owned(), json!(slow)), ("break".to_owned(), json!(stop))];
        (Layer::data(variables), bench.context().groups)
    };
    let make = |bench, slow, stop| {
        let (variables, groups) = context(bench, slow, stop);
        HostContext { host: &bench.host, groups, user: "root".into(), variables, extra: Layer::default() }
    };
    let hosts = [make(&one, "sleep 1", "false"), make(&other, "true", "sleep 0.3")];
    let recap: Recap = run(&playbook, &hosts, &assets, &RunOptions::default(), &Events::ignored().step("run")).await;
    assert_eq!(one.read("log"), "a\na\nb\nb\nonce\nc\n");
    assert_eq!((recap.failures().count(), recap.hosts[1].failed), (1, 0));
}
