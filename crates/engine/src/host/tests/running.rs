//! Commands: what goes in, what comes out, and how they end.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::server::Server;
use super::world::{SHELLS, World, alive, connect, eventually, which};
use crate::event::{EventKind, Events};
use crate::host::{Applied, Command, Mode};

#[tokio::test]
async fn bytes_codes_and_surroundings_pass_through_every_shell() {
    for shell in SHELLS {
        let world = World::with(shell);
        let server = Server::start(&world, which("dash")).await;
        let host = connect(&world.target(server.port)).await;
        let mut view = host.view(Mode::Apply);
        let bytes: Vec<u8> = (0..=255).cycle().take(200_001).collect();
        let output = view.run_query(Command::argv(["cat"]).stdin(bytes.clone())).await.unwrap();
        assert!(output.stdout == bytes, "{shell}: {} bytes came back", output.stdout.len());

        let mut command = Command::shell("printf '%s %s' \"$PWD\" \"$WORD\"; echo oops >&2; exit 3");
        command.directory = Some("/usr".into());
        command.environment = vec![("WORD".into(), "it's $HOME\n\u{e4}".into())];
        let output = view.run_query(command).await.unwrap();
        assert_eq!(output.stdout_text(), "/usr it's $HOME\n\u{e4}", "{shell}");
        assert_eq!((output.stderr_text().as_str(), output.code), ("oops\n", 3), "{shell}");

        let words = ["printf", "%s|", "", "a b", "'", "\"$x\"", "\\", "-n"];
        let output = view.run_query(Command::argv(words)).await.unwrap();
        assert_eq!(output.stdout_text(), "|a b|'|\"$x\"|\\|-n|", "{shell}");

        // Nothing to read, no stray descriptor, the user's own umask, and a signal's code.
        let script = "cat; umask; for fd in 3 4; do [ ! -e /proc/self/fd/$fd ] || echo open $fd; done; kill -9 $$";
        let output = view.run_query(Command::shell(script)).await.unwrap();
        assert_eq!((output.stdout_text().as_str(), output.code), ("0022\n", 137), "{shell}");
        let output = view.run_query(Command::argv(["no-such-program"])).await.unwrap();
        assert_eq!(output.code, 127, "{shell}");
    }
}

#[tokio::test]
async fn a_child_left_behind_does_not_disturb_the_next_task() {
    let world = World::with("dash");
    let server = Server::start(&world, which("dash")).await;
    let host = connect(&world.target(server.port)).await;
    let mut view = host.view(Mode::Apply);
    let script = "(for i in 1 2 3 4 5 6 7 8 9; do echo noise; sleep 0.05; done) & echo first";
    let first = view.run_query(Command::shell(script)).await.unwrap();
    assert!(first.stdout_text().contains("first\n"));
    for _ in 0..5 {
        let next = view.run_query(Command::shell("sleep 0.05; echo next")).await.unwrap();
        assert_eq!(next.stdout_text(), "next\n");
    }
}

#[tokio::test]
async fn a_timeout_ends_the_whole_process_group() {
    for (number, shell) in SHELLS.into_iter().enumerate() {
        let world = World::with(shell);
        let server = Server::start(&world, which("dash")).await;
        let host = connect(&world.target(server.port)).await;
        let mut view = host.view(Mode::Apply);
        let mark = format!("71{number}.{}", std::process::id());
        let script = format!("echo begun; sleep {mark} & sleep {mark}; wait");
        let begin = Instant::now();
        let failure = view.run(Command::shell(script).timeout(Duration::from_secs(1))).await.unwrap_err();
        assert!(failure.to_string().contains("not done after 1 s"), "{shell}: {failure}");
        assert_eq!(failure.evidence.as_deref(), Some("begun\n"), "{shell}");
        assert!(begin.elapsed() < Duration::from_secs(15), "{shell}");
        eventually("the sleepers are gone", || !alive(&mark)).await;
        let again = view.run_query(Command::argv(["echo", "again"])).await.unwrap();
        assert_eq!(again.stdout_text(), "again\n", "{shell}: the channel still serves");
    }
}

#[tokio::test]
async fn a_child_that_ignores_term_is_killed() {
    let world = World::with("dash");
    let server = Server::start(&world, which("dash")).await;
    let host = connect(&world.target(server.port)).await;
    let mark = format!("721.{}", std::process::id());
    let script = format!("trap '' TERM; sleep {mark} & sleep {mark}; wait");
    let command = Command::shell(script).timeout(Duration::from_millis(500));
    host.view(Mode::Apply).run(command).await.unwrap_err();
    eventually("the stubborn sleepers are gone", || !alive(&mark)).await;
}

#[tokio::test]
async fn what_is_dropped_is_ended_on_the_host() {
    let world = World::with("bash");
    let server = Server::start(&world, which("dash")).await;
    let host = connect(&world.target(server.port)).await;
    let mark = format!("731.{}", std::process::id());
    let script = format!("sleep {mark} & sleep {mark}; wait");
    let mut view = host.view(Mode::Apply);
    let cut = timeout(Duration::from_secs(1), view.run(Command::shell(script))).await;
    assert!(cut.is_err());
    eventually("the sleepers are gone", || !alive(&mark)).await;
    let output = view.run_query(Command::argv(["echo", "again"])).await.unwrap();
    assert_eq!(output.stdout_text(), "again\n");
}

#[tokio::test]
async fn a_lost_connection_says_at_which_command() {
    let world = World::with("dash");
    let server = Server::start(&world, which("dash")).await;
    let host = connect(&world.target(server.port)).await;
    let failure = host.view(Mode::Apply).run(Command::shell("kill -TERM $PPID; sleep 30")).await.unwrap_err();
    assert!(failure.to_string().starts_with("the connection to node was lost at `sh -c"), "{failure}");
}

#[tokio::test]
async fn live_lines_come_before_the_end() {
    let world = World::with("dash");
    let server = Server::start(&world, which("dash")).await;
    let host = connect(&world.target(server.port)).await;
    let (events, receiver) = Events::new();
    let step = events.step("task");
    let mut view = host.view(Mode::Apply).with_step(&step);
    let applied = view.run(Command::shell("echo one; sleep 2; echo two >&2; sleep 2").live()).await.unwrap();
    let Applied::Done(output) = applied else { panic!("withheld") };
    assert_eq!((output.stdout_text().as_str(), output.stderr_text().as_str()), ("one\n", "two\n"));
    let lines: Vec<String> = receiver
        .try_iter()
        .filter_map(|event| if let EventKind::Output { text } = event.kind { Some(text) } else { None })
        .collect();
    assert_eq!(lines, ["one", "two"]);
}

#[tokio::test]
async fn check_mode_withholds_and_still_sees() {
    let world = World::with("dash");
    let server = Server::start(&world, which("dash")).await;
    let host = connect(&world.target(server.port)).await;
    let mut view = host.view(Mode::Check);
    let touched = Command::argv(["touch".to_owned(), world.remote("touched")]);
    assert_eq!(view.run(touched).await.unwrap(), Applied::Withheld);
    assert_eq!(view.stat(world.remote("touched")).await.unwrap(), None);
    assert_eq!(view.changes().len(), 1);
}
