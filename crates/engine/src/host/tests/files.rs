//! Files: seen, written, sent, and never half.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::server::Server;
use super::world::{SHELLS, World, connect, eventually, which};
use crate::event::{EventKind, Events};
use crate::host::{Attributes, Change, Command, FileKind, Mode};

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn every_verb_with_every_shell() {
    for shell in SHELLS {
        let world = World::with(shell);
        let server = Server::start(&world, which("dash")).await;
        let host = connect(&world.target(server.port)).await;
        let mut view = host.view(Mode::Apply);
        let (root, at) = (world.file("a b"), |name: &str| world.remote(&format!("a b/{name}")));

        let attributes = Attributes { mode: Some(0o750), ..Attributes::default() };
        view.apply(Change::Directory { path: at("x/y"), attributes }).await.unwrap();
        assert_eq!(mode(&root.join("x/y")), 0o750, "{shell}");

        // New: 0644. Rewritten: owner and mode stay. Told: as told.
        view.write(at("file's"), b"one\0\xff".to_vec(), Attributes::default()).await.unwrap();
        assert_eq!(mode(&root.join("file's")), 0o644, "{shell}");
        std::os::unix::fs::chown(root.join("file's"), Some(12), Some(34)).unwrap();
        std::fs::set_permissions(root.join("file's"), PermissionsExt::from_mode(0o4711)).unwrap();
        view.write(at("file's"), b"two".to_vec(), Attributes::default()).await.unwrap();
        let metadata = std::fs::metadata(root.join("file's")).unwrap();
        assert_eq!((metadata.uid(), metadata.gid(), mode(&root.join("file's"))), (12, 34, 0o4711), "{shell}");
        let told = Attributes { owner: Some("daemon".into()), group: Some("root".into()), mode: Some(0o600) };
        view.write(at("file's"), b"three\n".to_vec(), told).await.unwrap();
        let stat = view.stat(at("file's")).await.unwrap().unwrap();
        assert_eq!((stat.kind, stat.mode, stat.size), (FileKind::File, 0o600, 6), "{shell}");
        assert_eq!((stat.owner.as_str(), stat.group.as_str()), ("daemon", "root"), "{shell}");
        // printf 'three\n' | sha256sum
        let digest = "f6936912184481f5edd4c304ce27c5a1a827804fc7f329f43d273b8621870776";
        assert_eq!(stat.sha256.as_deref(), Some(digest), "{shell}");
        assert_eq!(view.read(at("file's")).await.unwrap().unwrap(), b"three\n", "{shell}");
        assert_eq!(view.read(at("none")).await.unwrap(), None, "{shell}");
        assert_eq!(view.stat(at("none")).await.unwrap(), None, "{shell}");

        view.apply(Change::Link { path: at("link"), target: "x".into() }).await.unwrap();
        view.apply(Change::Link { path: at("link"), target: "x/y".into() }).await.unwrap();
        let stat = view.stat(at("link")).await.unwrap().unwrap();
        assert_eq!((stat.kind, stat.target.as_deref()), (FileKind::Link, Some("x/y")), "{shell}");

        let attributes = Attributes { mode: Some(0o700), group: Some("daemon".into()), ..Attributes::default() };
        view.apply(Change::Attributes { path: at("x"), attributes, recurse: true }).await.unwrap();
        assert_eq!((mode(&root.join("x")), mode(&root.join("x/y"))), (0o700, 0o700), "{shell}");

        view.apply(Change::Remove { path: at("x") }).await.unwrap();
        view.apply(Change::Remove { path: at("x") }).await.unwrap();
        assert_eq!(names(&root), ["file's", "link"], "{shell}: nothing temporary is left");
    }
}

#[tokio::test]
async fn what_cannot_be_written_says_why() {
    let world = World::with("dash");
    let server = Server::start(&world, which("dash")).await;
    let host = connect(&world.target(server.port)).await;
    let mut view = host.view(Mode::Apply);
    let failure = view.write(world.remote("bin"), b"x".to_vec(), Attributes::default()).await.unwrap_err();
    assert!(failure.to_string().ends_with("/bin is a directory"), "{failure}");
    let failure = view.write(world.remote("no/such"), b"x".to_vec(), Attributes::default()).await.unwrap_err();
    assert!(failure.to_string().contains("write 1 bytes to") && failure.causes[0].contains("irectory"), "{failure:?}");
    let failure = view.read(world.remote("bin")).await.unwrap_err();
    assert!(failure.to_string().contains("s a directory"), "{failure}");
}

#[tokio::test]
async fn a_large_file_is_sent_with_progress() {
    for shell in SHELLS {
        let world = World::with(shell);
        let server = Server::start(&world, which("dash")).await;
        let host = connect(&world.target(server.port)).await;
        let bytes: Vec<u8> = (0..u32::from(u16::MAX) * 20).flat_map(u32::to_le_bytes).collect();
        std::fs::write(world.file("source"), &bytes).unwrap();
        let (events, receiver) = Events::new();
        let step = events.step("send");
        let mut view = host.view(Mode::Apply).with_step(&step);
        let attributes = Attributes { mode: Some(0o755), ..Attributes::default() };
        let source = world.file("source");
        let begin = Instant::now();
        view.apply(Change::Send { path: world.remote("sent"), source, attributes }).await.unwrap();
        println!("{shell}: {} KB sent in {:?}", bytes.len() / 1000, begin.elapsed());
        assert!(std::fs::read(world.file("sent")).unwrap() == bytes, "{shell}");
        assert_eq!(mode(&world.file("sent")), 0o755, "{shell}");
        let total = bytes.len() as u64;
        let whole = |kind: &EventKind| matches!(kind, EventKind::Progress { done, total: Some(all), .. } if *done == total && *all == total);
        assert!(receiver.try_iter().any(|event| whole(&event.kind)), "{shell}");
    }
}

#[tokio::test]
async fn a_sending_that_is_cut_or_altered_leaves_the_old_file() {
    let world = World::with("dash");
    let server = Server::start(&world, which("dash")).await;
    let host = connect(&world.target(server.port)).await;
    std::fs::create_dir(world.file("d")).unwrap();
    std::fs::write(world.file("d/old"), "old").unwrap();
    // The digest is of what was planned; what comes is shorter.
    let content = crate::host::script::Content { size: 4, sha256: &"0".repeat(64), unique: "u" };
    let script = crate::host::script::write(&world.remote("d/old"), &content, &Attributes::default());
    std::fs::write(world.file("short"), "new").unwrap();
    let output = host.send(&script, &world.file("short"), 4, None).await.unwrap();
    assert_eq!(output.code, 1);
    assert!(output.stderr_text().starts_with("3 of 4 bytes came"), "{}", output.stderr_text());

    // A source that stays open, so that the sending is surely cut in its middle.
    let source = world.file("endless");
    assert!(std::process::Command::new("mkfifo").arg(&source).status().unwrap().success());
    let mut writer = std::fs::File::options().read(true).write(true).open(&source).unwrap();
    std::io::Write::write_all(&mut writer, &[7; 1000]).unwrap();
    let begun = async { eventually("it began", || names(&world.file("d")).len() == 2).await };
    tokio::select! {
        _ = host.send(&script, &source, 4, None) => panic!("it ended"),
        () = begun => {}
    }
    drop(writer);
    eventually("the temporary file is gone", || names(&world.file("d")) == ["old"]).await;
    assert_eq!(std::fs::read_to_string(world.file("d/old")).unwrap(), "old");
    let mut view = host.view(Mode::Apply);
    let again = timeout(Duration::from_secs(20), view.run_query(Command::argv(["true"]))).await;
    assert!(again.unwrap().unwrap().success(), "the host still serves");
}
