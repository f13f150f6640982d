//! A commit beside the branch: pushed once, and gone again.

use super::World;
use crate::githost::{Aside, Remote};

const FILES: [(&str, &str); 2] = [("one/a.yaml", "a: 1\n"), ("two/b.yaml", "b: 2\n")];

async fn aside(remote: &Remote) -> Aside<'_> {
    Aside::make(remote, "beside", &FILES, "Beside").await.unwrap()
}

/// A repository as the embedded host has it.
fn world() -> World {
    let world = World::with_repository();
    for setting in ["receive.denyDeletes", "receive.fsckObjects"] {
        world.git("remote.git", &["config", setting, "true"]);
    }
    world
}

#[tokio::test]
async fn it_comes_and_goes_and_the_branch_never_knows() {
    let world = world();
    let (remote, source) = (world.remote(), world.git("source", &["count-objects"]));
    let beside = aside(&remote).await;
    beside.push().await.unwrap();
    let tag = beside.tag().to_owned();
    assert_eq!(world.git("remote.git", &["ls-tree", "-r", "--name-only", &tag]), "one/a.yaml\ntwo/b.yaml");
    assert_eq!(world.git("remote.git", &["rev-list", "--count", &tag]), "1", "it has no history");
    assert_eq!(world.git("remote.git", &["for-each-ref", "refs/heads"]), "");
    // One that was killed left it: the next has the same.
    drop(beside);
    let again = aside(&remote).await;
    again.push().await.unwrap();
    assert_eq!(again.tag(), tag);
    again.remove().await.unwrap();
    again.remove().await.unwrap();
    assert_eq!(world.git("remote.git", &["for-each-ref"]), "");
    assert_eq!(world.git("source", &["count-objects"]), source, "the user's repository gets nothing");
}

#[tokio::test]
async fn a_tag_that_somebody_moved_stays() {
    let world = world();
    let (remote, head) = (world.remote(), world.git("source", &["rev-parse", "HEAD"]));
    let beside = aside(&remote).await;
    world.git("source", &["push", "--quiet", "../remote.git", &format!("{head}:refs/tags/{}", beside.tag())]);
    let refused = beside.push().await.unwrap_err().to_string();
    assert!(refused.contains("could not push to") && refused.contains("rejected"), "{refused}");
    let failure = beside.remove().await.unwrap_err().to_string();
    assert!(failure.contains(&head), "{failure}");
    assert_eq!(world.git("remote.git", &["rev-parse", &format!("refs/tags/{}", beside.tag())]), head);
}

#[tokio::test]
async fn a_host_that_refuses_says_why() {
    let world = world();
    let hook = world.path("remote.git/hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let remote = world.remote();
    let failure = aside(&remote).await.push().await.unwrap_err().to_string();
    assert!(failure.contains("pre-receive hook declined"), "{failure}");
}
