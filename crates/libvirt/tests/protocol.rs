//! The executable as another program sees it: lines in, lines out, over libvirt's test driver.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use libvirt_protocol::{Action, Answer, Body, Code, Reply, Request};

/// Sends lines, closes stdin, and reads as many replies, in the order of their ids.
fn talk(lines: &[String]) -> Vec<Reply> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_seedbed-libvirt"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut replies = BufReader::new(output).lines();
    let mut found = Vec::new();
    for line in lines {
        writeln!(input, "{line}").unwrap();
        found.push(serde_json::from_str(&replies.next().unwrap().unwrap()).unwrap());
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "libvirt must not print over the reporter");
    found
}

fn ask(id: u64, action: Action) -> String {
    serde_json::to_string(&Request { id, action }).unwrap()
}

#[test]
fn it_answers_and_ends_with_stdin() {
    let open = Action::Open { uri: "test:///default".into() };
    let replies = talk(&[ask(1, open), ask(2, Action::Domains)]);
    let Body::Done(Answer::Connection(connection)) = &replies[0].body else { panic!("{:?}", replies[0]) };
    assert_eq!(connection.driver.to_lowercase(), "test");
    let Body::Done(Answer::Domains(domains)) = &replies[1].body else { panic!("{:?}", replies[1]) };
    assert_eq!((replies[1].id, domains[0].name.as_str()), (2, "test"));
}

#[test]
fn it_says_what_is_wrong_and_goes_on() {
    let open = Action::Open { uri: "test:///default".into() };
    let volumes = Action::Volumes { pool: "nowhere".into() };
    let replies = talk(&["nonsense".into(), ask(1, Action::Networks), ask(2, open), ask(3, volumes)]);
    let code = |reply: &Reply| match &reply.body {
        Body::Failed(error) => Some(error.code),
        _ => None,
    };
    assert_eq!(code(&replies[0]), Some(Code::Invalid));
    assert_eq!(code(&replies[1]), Some(Code::Invalid), "no connection is open yet");
    assert_eq!(code(&replies[2]), None);
    assert_eq!(code(&replies[3]), Some(Code::Missing));
}
