//! Getting in, and being kept out.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use super::server::Server;
use super::world::{World, connect, which};
use crate::event::Events;
use crate::failure::Failure;
use crate::host::keys::{fingerprint, generate_ed25519};
use crate::host::{Command, ConnectError, Host, Login, Mode, Reason, Target};

async fn refused(target: &Target) -> ConnectError {
    let result = Host::connect(target, &Events::ignored().step("connect")).await;
    result.err().expect("it must be refused")
}

#[tokio::test]
async fn another_host_key_is_refused_at_once_with_both_fingerprints() {
    let world = World::with("dash");
    let server = Server::start(&world, which("dash")).await;
    let known = generate_ed25519("known").unwrap().public;
    let mut target = world.target(server.port);
    target.host_key.clone_from(&known);
    let begin = Instant::now();
    let error = refused(&target).await;
    let expected = fingerprint(&known).unwrap();
    let found = fingerprint(&world.host.public).unwrap();
    assert_eq!(error.reason, Reason::HostKey { expected: expected.clone(), found: found.clone() });
    assert!(begin.elapsed() < target.deadline, "an error at once");
    let failure = Failure::from(error).to_string();
    assert!(failure.starts_with("the host key of node (root@127.0.0.1:"), "{failure}");
    assert!(failure.contains(&expected) && failure.contains(&found), "{failure}");
}

#[tokio::test]
async fn a_fresh_host_with_another_key_is_waited_for_and_never_accepted() {
    let world = World::with("dash");
    let server = Server::start(&world, which("dash")).await;
    let mut target = world.target(server.port);
    target.host_key = generate_ed25519("known").unwrap().public;
    (target.fresh, target.deadline) = (true, Duration::from_secs(3));
    let error = refused(&target).await;
    assert!(matches!(error.reason, Reason::HostKey { .. }), "{error}");
    assert!(error.waited > Duration::from_secs(1), "it was waited for");
    assert_eq!(server.sessions.most.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_refused_login_names_the_user_and_the_key() {
    let world = World::with("dash");
    let server = Server::start(&world, which("dash")).await;
    let other = generate_ed25519("other").unwrap();
    let mut target = world.target(server.port);
    target.login = Login::Key(other.private);
    let error = refused(&target).await;
    let detail = format!("key {}", fingerprint(&other.public).unwrap());
    assert_eq!(error.reason, Reason::Login { user: "root".into(), detail });
}

#[tokio::test]
async fn a_closed_port_is_tried_until_the_deadline() {
    let world = World::with("dash");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target = world.target(listener.local_addr().unwrap().port());
    drop(listener);
    target.deadline = Duration::from_secs(2);
    let error = refused(&target).await;
    assert_eq!(error.reason, Reason::Refused);
    assert!(error.to_string().contains("connection refused"), "{error}");
}

#[tokio::test]
async fn a_port_that_never_speaks_is_no_answer() {
    let world = World::with("dash");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target = world.target(listener.local_addr().unwrap().port());
    target.deadline = Duration::from_secs(1);
    assert!(matches!(refused(&target).await.reason, Reason::NoAnswer(_)));
}

#[tokio::test]
async fn an_address_that_drops_is_no_answer_and_says_what_to_look_at() {
    let world = World::with("dash");
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    // Of a listener with a full backlog, the kernel drops whatever else wants in.
    let mut full = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
        full.push(connected.unwrap());
    }
    let mut target = world.target(address.port());
    target.deadline = Duration::from_secs(2);
    let error = refused(&target).await;
    assert!(matches!(error.reason, Reason::NoAnswer(_)), "{error}");
    let failure = Failure::from(error);
    assert!(failure.what.starts_with("cannot reach node (root@127.0.0.1:"), "{failure}");
    assert!(failure.hints[0].contains("whether the machine is on and its address is right"), "{failure:?}");
}

#[tokio::test]
async fn a_host_that_comes_up_late_is_reached() {
    let world = World::with("dash");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = world.target(listener.local_addr().unwrap().port());
    let quiet = async {
        // A machine that is booting: the port opens, and nothing speaks SSH yet.
        let (stream, _) = listener.accept().await.unwrap();
        drop(stream);
        drop(listener);
        let server = Server::start(&world, which("dash")).await;
        let relay = TcpListener::bind(("127.0.0.1", target.port)).await.unwrap();
        let (mut near, _) = relay.accept().await.unwrap();
        let mut far = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    };
    let reached = async {
        let output = connect(&target).await.view(Mode::Apply).run_query(Command::argv(["echo", "up"])).await;
        output.unwrap().stdout_text()
    };
    tokio::pin!(quiet);
    let text = tokio::select! {
        text = reached => text,
        () = &mut quiet => panic!("the relay ended"),
    };
    assert_eq!(text, "up\n");
}

#[tokio::test]
async fn a_fish_that_prints_does_not_disturb() {
    let world = World::with("dash");
    // A login shell that greets, with fish's own reading of the command line.
    let greeting = world.file("greeting-shell");
    let fish = which("fish");
    std::fs::write(&greeting, format!("#!/bin/sh\necho Welcome; echo to fish >&2\nexec {} \"$@\"\n", fish.display()))
        .unwrap();
    std::fs::set_permissions(&greeting, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let server = Server::start(&world, greeting).await;
    let host = connect(&world.target(server.port)).await;
    let output = host.view(Mode::Apply).run_query(Command::shell("echo \"it's\" '\\' $((1 + 1))")).await.unwrap();
    assert_eq!((output.stdout_text().as_str(), output.stderr_text().as_str()), ("it's \\ 2\n", ""));
}

#[tokio::test]
async fn many_tasks_at_once_keep_to_eight_sessions() {
    let world = World::with("dash");
    let server = Server::start(&world, which("dash")).await;
    let host = connect(&world.target(server.port)).await;
    let runs = (0..24).map(|number| {
        let host = &host;
        async move { host.view(Mode::Apply).run_query(Command::shell(format!("sleep 0.2; echo {number}"))).await }
    });
    for (number, output) in join_all(runs).await.into_iter().enumerate() {
        assert_eq!(output.unwrap().stdout_text(), format!("{number}\n"));
    }
    assert_eq!(server.sessions.most.load(Ordering::SeqCst), 8);
}
