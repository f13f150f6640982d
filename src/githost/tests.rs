use std::path::Path;

use engine::event::{Event, EventKind, Events};
use engine::failure::Kind;

use super::*;
use crate::spec::Dirty;

mod aside;
mod keeping;
mod world;

use world::World;

#[tokio::test]
async fn a_repository_is_seeded_once_and_moves_forward() {
    let world = World::with_repository();
    let head = world.git("source", &["rev-parse", "main"]);
    let first = world.seed(Dirty::Warn).await.unwrap();
    assert_eq!(first, Seeded { commit: head.clone(), tip: head.clone(), pushed: true });
    assert!(!world.seed(Dirty::Warn).await.unwrap().pushed);
    world.write("source/a.yaml", "a: 2\n");
    let next = world.commit("source", "second");
    assert_eq!(world.seed(Dirty::Warn).await.unwrap().tip, next);
    assert_eq!(world.tip(), next);
}

#[tokio::test]
async fn a_remote_that_is_ahead_is_up_to_date_and_fetched() {
    let world = World::with_repository();
    let head = world.seed(Dirty::Warn).await.unwrap().commit;
    let ahead = world.commit_in_cluster("b.yaml", "b: 1\n");
    let seeded = world.seed(Dirty::Warn).await.unwrap();
    assert_eq!(seeded, Seeded { commit: head.clone(), tip: ahead.clone(), pushed: false });
    assert_eq!(world.git("source", &["rev-parse", "refs/seedbed/demo/main"]), ahead);
    assert_eq!(world.git("source", &["rev-parse", "main"]), head);
}

#[tokio::test]
async fn histories_that_diverged_are_refused_with_both_tips() {
    let world = World::with_repository();
    world.seed(Dirty::Warn).await.unwrap();
    let theirs = world.commit_in_cluster("b.yaml", "b: 1\n");
    world.write("source/a.yaml", "a: 2\n");
    let ours = world.commit("source", "second");
    let failure = world.seed(Dirty::Warn).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Invalid);
    let text = failure.to_string();
    assert!(text.contains(&ours) && text.contains(&theirs), "{text}");
    assert_eq!(world.tip(), theirs);
}

#[tokio::test]
async fn a_dirty_tree_is_a_warning_and_stays_out() {
    let world = World::with_repository();
    world.write("source/new.yaml", "n: 1\n");
    let (events, receiver) = Events::new();
    let step = events.step("seed");
    seed(&world.source().await, &world.remote(), Dirty::Warn, &step).await.unwrap();
    assert_eq!(world.git("remote.git", &["ls-tree", "--name-only", "main"]), "a.yaml");
    let warned = |event: Event| matches!(event.kind, EventKind::Warning { text } if text.contains("new.yaml"));
    assert!(receiver.try_iter().any(warned));
}

#[tokio::test]
async fn a_dirty_tree_is_included_without_touching_the_users_branch() {
    let world = World::with_repository();
    let head = world.git("source", &["rev-parse", "HEAD"]);
    world.write("source/new.yaml", "n: 1\n");
    let first = world.seed(Dirty::Include).await.unwrap();
    assert_eq!(world.git("remote.git", &["ls-tree", "--name-only", "main"]), "a.yaml\nnew.yaml");
    assert_eq!(world.git("source", &["rev-parse", "HEAD"]), head);
    assert_eq!(world.git("source", &["status", "--porcelain"]), "?? new.yaml");
    assert_eq!(world.seed(Dirty::Include).await.unwrap(), Seeded { pushed: false, ..first.clone() });
    // Another change builds upon it, and so does the commit that the user makes in the end.
    world.write("source/new.yaml", "n: 2\n");
    assert!(world.seed(Dirty::Include).await.unwrap().pushed);
    let committed = world.commit("source", "second");
    let last = world.seed(Dirty::Include).await.unwrap();
    assert_eq!(world.git("remote.git", &["show", "main:new.yaml"]), "n: 2");
    world.git("remote.git", &["merge-base", "--is-ancestor", &first.tip, &last.tip]);
    world.write("source/new.yaml", "n: 3\n");
    world.commit("source", "third");
    let last = world.seed(Dirty::Include).await.unwrap();
    world.git("remote.git", &["merge-base", "--is-ancestor", &committed, &last.tip]);
    assert_eq!(world.git("remote.git", &["show", "main:new.yaml"]), "n: 3");
}

#[tokio::test]
async fn a_plain_directory_gives_the_same_commit_everywhere() {
    let (one, other) = (World::new(), World::new());
    for world in [&one, &other] {
        world.write("source/a.yaml", "a: 1\n");
        std::fs::create_dir(world.path("source/.seedbed")).unwrap();
        world.write("source/.seedbed/identity.json", "secret\n");
    }
    let first = one.seed(Dirty::Warn).await.unwrap();
    assert_eq!(first, other.seed(Dirty::Warn).await.unwrap());
    assert_eq!(one.git("remote.git", &["ls-tree", "-r", "--name-only", "main"]), "a.yaml");
    // Also without its store, which goes with the state directory.
    std::fs::remove_dir_all(one.path("state")).unwrap();
    assert!(!one.seed(Dirty::Warn).await.unwrap().pushed);
    one.write("source/a.yaml", "a: 2\n");
    let next = one.seed(Dirty::Warn).await.unwrap();
    assert!(next.pushed);
    assert_eq!(one.git("remote.git", &["rev-parse", "main^"]), first.tip);
}

#[tokio::test]
async fn a_directory_inside_a_repository_is_a_plain_directory() {
    let world = World::with_repository();
    std::fs::create_dir(world.path("source/part")).unwrap();
    world.write("source/part/p.yaml", "p: 1\n");
    let source = Source::open(&world.path("source/part"), &world.path("state/git")).await.unwrap();
    assert!(matches!(source, Source::Directory { .. }));
    seed(&source, &world.remote(), Dirty::Warn, &Events::ignored().step("seed")).await.unwrap();
    assert_eq!(world.git("remote.git", &["ls-tree", "-r", "--name-only", "main"]), "p.yaml");
}

#[tokio::test]
async fn a_plain_directory_and_commits_of_the_cluster_diverge() {
    let world = World::new();
    world.write("source/a.yaml", "a: 1\n");
    let first = world.seed(Dirty::Warn).await.unwrap();
    let ahead = world.commit_in_cluster("b.yaml", "b: 1\n");
    let seeded = world.seed(Dirty::Warn).await.unwrap();
    assert_eq!(seeded, Seeded { commit: first.tip, tip: ahead, pushed: false });
    world.write("source/a.yaml", "a: 2\n");
    assert_eq!(world.seed(Dirty::Warn).await.unwrap_err().kind, Kind::Invalid);
}

#[tokio::test]
async fn a_missing_branch_or_commit_is_said() {
    let world = World::with_repository();
    world.git("source", &["branch", "--move", "main", "trunk"]);
    let failure = world.seed(Dirty::Warn).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Invalid);
    assert!(failure.to_string().ends_with("it has trunk"), "{failure}");
    let empty = World::new();
    empty.git("source", &["init", "--quiet", "--initial-branch=main"]);
    assert!(empty.seed(Dirty::Warn).await.unwrap_err().to_string().ends_with("it has no commit yet"));
}

#[tokio::test]
async fn a_plain_directory_goes_on_from_what_it_was_given() {
    let world = World::new();
    world.write("source/a.yaml", "a: 1\n");
    world.seed(Dirty::Warn).await.unwrap();
    let ahead = world.commit_in_cluster("b.yaml", "b: 1\n");
    assert!(matches!(world.pull().await, FetchedBack::Files { .. }));
    assert_eq!(world.pull().await, FetchedBack::Nothing);
    assert!(!world.seed(Dirty::Warn).await.unwrap().pushed);
    world.write("source/a.yaml", "a: 2\n");
    let pushed = world.seed(Dirty::Warn).await.unwrap();
    assert_eq!(world.git("remote.git", &["rev-parse", "main^"]), ahead);
    assert_eq!(world.git("remote.git", &["ls-tree", "--name-only", "main"]), "a.yaml\nb.yaml");
    // And again the other way.
    let next = world.commit_in_cluster("b.yaml", "b: 2\n");
    assert!(matches!(world.pull().await, FetchedBack::Files { commit, count: 1, .. } if commit == next));
    assert_eq!((world.read("source/a.yaml"), world.read("source/b.yaml")), ("a: 2\n".into(), "b: 2\n".into()));
    assert_eq!(world.git("remote.git", &["rev-parse", "main^"]), pushed.tip);
}

#[tokio::test]
async fn a_push_that_lost_the_race_names_the_pull() {
    let world = World::with_repository();
    world.seed(Dirty::Warn).await.unwrap();
    world.commit_in_cluster("b.yaml", "b: 1\n");
    world.write("source/a.yaml", "a: 2\n");
    let ours = world.commit("source", "second");
    let failure = world.remote().push(world.source().await.git(), &ours).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Invalid);
    assert!(failure.hints[0].contains("seedbed gitops pull"), "{failure:#?}");
}

#[tokio::test]
async fn a_refused_push_says_why() {
    let world = World::with_repository();
    let mut remote = world.remote();
    remote.url = world.path("nowhere.git").display().to_string();
    let failure = seed(&world.source().await, &remote, Dirty::Warn, &Events::ignored().step("seed")).await.unwrap_err();
    assert!(failure.to_string().contains("nowhere.git"), "{failure}");
    assert!(!failure.hints.is_empty());
}

#[test]
fn the_ssh_command_leaves_the_users_configuration_out() {
    let access = Access::Key { key: Path::new("/s t/id").into(), known_hosts: Path::new("/s t/known_hosts").into() };
    let command = access.ssh().unwrap();
    assert!(command.starts_with("ssh -F none -i '/s t/id' -o IdentitiesOnly=yes"), "{command}");
    assert!(command.contains(r#"'UserKnownHostsFile="/s t/known_hosts"'"#), "{command}");
}
