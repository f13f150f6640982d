//! The program as people and scripts meet it: help, exit codes, what goes where, Ctrl-C.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const JOURNAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/journals/two-nodes.jsonl");

/// A run without a terminal and in English, whatever the tester has.
fn seedbed(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
    command.args(arguments).env_remove("NO_COLOR").env("COLUMNS", "100").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    text(seedbed(arguments).output().unwrap())
}

fn text(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

const COMMANDS: [&str; 24] = [
    "init",
    "validate",
    "plan",
    "up",
    "gitops",
    "gitops push",
    "gitops pull",
    "gitops diff",
    "image",
    "image push",
    "evaluate",
    "status",
    "diagnose",
    "kubeconfig",
    "ssh",
    "down",
    "rebuild",
    "doctor",
    "artifacts",
    "artifacts list",
    "assets",
    "completions",
    "replay",
    "assets copy",
];

#[test]
fn the_help_of_every_command_teaches() {
    let mut all = run(&["--help"]).1;
    for command in COMMANDS {
        let arguments: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let (code, help, talk) = run(&arguments);
        assert_eq!((code, talk.as_str()), (0, ""), "{command}");
        // A page a command; what every command takes is shown once, above.
        let own: Vec<&str> = help.split("\n\n").filter(|part| !is_global(part)).collect();
        all.push_str(&format!("\n=== seedbed {command}\n{}", own.join("\n\n")));
    }
    insta::assert_snapshot!("help", all);
}

fn is_global(part: &str) -> bool {
    ["--report", "--color", "--verbose", "--help", "Possible values", "[default: auto]"].iter().any(|word| {
        part.trim_start_matches("Options:\n")
            .trim_start()
            .trim_start_matches("-v, ")
            .trim_start_matches("-h, ")
            .starts_with(word)
    })
}

#[test]
fn exit_codes_are_the_documented_ones() {
    let directory = tempfile::tempdir().unwrap();
    let spec = directory.path().join("seedbed.yaml");
    let spec = spec.to_str().unwrap();
    std::fs::write(spec, "cluster: demo\nnodess: []\n").unwrap();
    assert_eq!(run(&["--version"]).0, 0);
    assert_eq!(run(&["--nonsense"]).0, 2, "usage");
    assert_eq!(run(&["validate", "--offline", spec]).0, 3, "an invalid spec");
    assert_eq!(run(&["validate", "--offline", "nowhere.yaml"]).0, 3, "a spec that is not there");
    std::fs::write(spec, "cluster: demo\nnodes: [{name: cp, role: control-plane}]\n").unwrap();
    assert_eq!(run(&["validate", "--offline", spec]).0, 0, "a good spec");
    assert_eq!(run(&["validate", "--offline", spec]).1, "", "talk is not data");
    assert_eq!(run(&["kubeconfig", spec]).0, 4, "preflight: it was never up");
    assert_eq!(run(&["gitops", "push", spec]).0, 4, "preflight: it was never up");
    assert_eq!(run(&["gitops", "pull", spec]).0, 4, "preflight: it was never up");
    assert_eq!(run(&["gitops", "diff", spec]).0, 4, "preflight: it was never up");
    assert_eq!(run(&["ssh", spec, "other"]).0, 3, "no such node");
    assert_eq!(run(&["ssh", spec, "cp"]).0, 4, "preflight: it was never up");
}

#[test]
fn a_spec_is_looked_for_in_the_current_directory_and_in_a_named_one() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("seedbed.yaml"), "cluster: demo\nnodes: [{name: cp, role: control-plane}]\n")
        .unwrap();
    let here = text(seedbed(&["validate", "--offline"]).current_dir(directory.path()).output().unwrap());
    assert_eq!((here.0, here.2.ends_with("seedbed.yaml is valid\n")), (0, true), "{}", here.2);
    assert_eq!(run(&["validate", "--offline", directory.path().to_str().unwrap()]).0, 0);
    let elsewhere = tempfile::tempdir().unwrap();
    let (code, _, talk) = text(seedbed(&["plan"]).current_dir(elsewhere.path()).output().unwrap());
    assert_eq!((code, talk.contains("seedbed init")), (3, true), "{talk}");
}

#[test]
fn init_makes_what_validate_accepts() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("garden");
    let (code, data, talk) = run(&["init", place.to_str().unwrap()]);
    assert_eq!((code, data.as_str()), (0, ""), "{talk}");
    let (code, _, talk) = run(&["validate", "--offline", place.to_str().unwrap()]);
    assert_eq!(code, 0, "{talk}");
    let (code, _, talk) = run(&["init", place.to_str().unwrap()]);
    assert_eq!((code, talk.contains("exists already")), (4, true), "{talk}");
}

#[test]
fn failures_are_json_where_json_is_asked_for() {
    let (code, data, talk) = run(&["validate", "--offline", "nowhere.yaml", "--report", "json"]);
    assert_eq!((code, data.as_str()), (3, ""));
    let failure: serde_json::Value = serde_json::from_str(&talk).unwrap();
    assert_eq!((&failure["kind"], &failure["exit_code"]), (&"error".into(), &3.into()));
}

#[test]
fn a_journal_is_redrawn_in_every_way() {
    let (code, lines, talk) = run(&["replay", JOURNAL]);
    assert_eq!((code, talk.as_str()), (0, ""));
    assert!(lines.contains("FAIL   demo-2: provision › Import images"), "{lines}");
    assert!(lines.ends_with("9 shorter steps\n"), "{lines}");
    assert_eq!(run(&["replay", JOURNAL, "--report", "bars"]).1, lines, "bars only on a terminal");
    let (_, json, _) = run(&["replay", JOURNAL, "--report", "json"]);
    assert_eq!(json.lines().count(), std::fs::read_to_string(JOURNAL).unwrap().lines().count());
    assert!(json.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn colour_is_only_where_it_is_wanted() {
    let coloured = |arguments: &[&str]| run(arguments).1.contains('\x1b');
    assert!(!coloured(&["replay", JOURNAL]), "no terminal");
    assert!(coloured(&["replay", JOURNAL, "--color", "always"]));
    let drawn = |variables: &[(&str, &str)]| on_a_terminal(&format!("replay {JOURNAL} --report lines"), variables);
    assert!(drawn(&[]).contains("\x1b[32m"), "a terminal");
    assert!(!drawn(&[("NO_COLOR", "1")]).contains("\x1b["), "NO_COLOR");
}

#[test]
fn bars_move_on_a_terminal() {
    let drawn = on_a_terminal(&format!("replay {JOURNAL} --report bars --speed 60"), &[]);
    for wanted in ["\x1b[", "━━━", "demo-2: connect", "✓", "✗", "no KVM here"] {
        assert!(drawn.contains(wanted), "{wanted:?} is not in {drawn}");
    }
}

/// Runs seedbed on a pseudo-terminal, which util-linux's `script` makes.
fn on_a_terminal(arguments: &str, variables: &[(&str, &str)]) -> String {
    let command = format!("stty cols 100 rows 30; {} {arguments}", env!("CARGO_BIN_EXE_seedbed"));
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).env_remove("NO_COLOR").env("TERM", "xterm-256color");
    script.envs(variables.iter().copied()).stdin(Stdio::null());
    String::from_utf8(script.output().unwrap().stdout).unwrap()
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = run(&["completions", shell]);
        assert!(code == 0 && script.contains("kubeconfig") && script.contains("discard-commits"), "{shell}");
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let mut child = seedbed(&["replay", JOURNAL]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut talk = String::new();
    child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
    assert_eq!((child.wait().unwrap().code(), talk.as_str()), (Some(0), ""));
}

#[test]
fn the_schema_is_printed_as_committed() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/seedbed.schema.json")).unwrap();
    assert_eq!(run(&["schema"]).1, committed);
}

/// Starts a fetch from a mirror that accepts and never answers, and waits until it is under way.
fn hanging_fetch(directory: &Path) -> (std::process::Child, BufReader<std::process::ChildStderr>, TcpListener) {
    let mirror = TcpListener::bind("127.0.0.1:0").unwrap();
    let spec = directory.join("seedbed.yaml");
    let mut file = std::fs::File::create(&spec).unwrap();
    let base = format!("http://{}", mirror.local_addr().unwrap());
    writeln!(
        file,
        "cluster: demo\nnodes: [{{name: cp, role: control-plane}}]\nartifacts:\n  source: mirror\n  mirrors:\n    \
         https://dl.k8s.io: {base}\n    https://github.com: {base}\n    https://registry.k8s.io: {base}\n    \
         https://cloud.debian.org: {base}\n    https://ghcr.io: {base}\n    https://docker.io: {base}"
    )
    .unwrap();
    let mut command = seedbed(&["artifacts", "fetch", spec.to_str().unwrap(), "--report", "lines"]);
    command.env("XDG_CACHE_HOME", directory.join("cache")).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    talk.read_line(&mut first).unwrap();
    assert!(first.contains("start  artifacts fetch demo"), "{first}");
    (child, talk, mirror)
}

fn signal(child: &std::process::Child, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
}

#[test]
fn an_interruption_ends_a_run_and_says_how_to_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, mut talk, _mirror) = hanging_fetch(directory.path());
    signal(&child, nix::sys::signal::Signal::SIGINT);
    let mut rest = String::new();
    talk.read_to_string(&mut rest).unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(130), None), "{rest}");
    assert!(rest.contains("interrupted") && rest.contains("`seedbed artifacts fetch` continues"), "{rest}");
}
