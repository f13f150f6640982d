//! What comes back of a cluster, and what is kept aside.

use super::world::World;
use crate::githost::FetchedBack;
use crate::spec::Dirty;

#[tokio::test]
async fn commits_of_the_cluster_come_back_to_a_clean_branch() {
    let world = World::with_repository();
    world.seed(Dirty::Warn).await.unwrap();
    assert_eq!(world.fetch_back().await, []);
    let ahead = world.commit_in_cluster("b.yaml", "b: 1\n");
    assert_eq!(world.fetch_back().await, [FetchedBack::Merged { commit: ahead.clone(), count: 1 }]);
    assert_eq!(world.git("source", &["rev-parse", "HEAD"]), ahead);
    assert_eq!(world.read("source/b.yaml"), "b: 1\n");
    // And to a branch that is not checked out.
    let next = world.commit_in_cluster("b.yaml", "b: 2\n");
    world.git("source", &["checkout", "--quiet", "-b", "other"]);
    assert_eq!(world.fetch_back().await, [FetchedBack::Merged { commit: next.clone(), count: 1 }]);
    assert_eq!(world.git("source", &["rev-parse", "main"]), next);
    assert_eq!(world.read("source/b.yaml"), "b: 1\n");
    assert_eq!(world.git("source", &["for-each-ref", "refs/seedbed-incoming"]), "");
}

#[tokio::test]
async fn commits_of_the_cluster_never_touch_a_dirty_or_diverged_branch() {
    let world = World::with_repository();
    let head = world.seed(Dirty::Warn).await.unwrap().tip;
    let ahead = world.commit_in_cluster("b.yaml", "b: 1\n");
    world.write("source/a.yaml", "a: dirty\n");
    let kept = world.fetch_back().await;
    assert!(
        matches!(&kept[..], [FetchedBack::Kept { commit, why, .. }] if *commit == ahead && why.contains("not committed"))
    );
    assert!(kept[0].aside());
    assert_eq!(world.git("source", &["rev-parse", "HEAD"]), head);
    assert_eq!(world.read("source/a.yaml"), "a: dirty\n");
    let ours = world.commit("source", "second");
    let again = world.fetch_back().await;
    let [FetchedBack::Kept { count: 1, reference, .. }] = &again[..] else { panic!("{again:?}") };
    assert!(again[0].aside(), "until it is merged, a cluster made anew would go back behind it");
    assert_eq!(world.git("source", &["rev-parse", "HEAD"]), ours);
    assert_eq!(world.git("source", &["rev-parse", reference]), ahead);
    // Taken over, nothing is left to do.
    world.git("source", &["merge", "--quiet", "-m", "merge", reference]);
    assert_eq!(world.fetch_back().await, []);
}

#[tokio::test]
async fn kept_commits_outlive_the_next_cluster_and_its_next() {
    let world = World::with_repository();
    let mut kept = Vec::new();
    for round in 0..3 {
        world.seed(Dirty::Warn).await.unwrap();
        kept.push(world.commit_in_cluster("b.yaml", &format!("b: {round}\n")));
        world.write("source/a.yaml", "a: dirty\n");
        assert!(world.fetch_back().await[0].aside());
        world.git("source", &["checkout", "--quiet", "a.yaml"]);
        world.begin_again();
    }
    world.seed(Dirty::Warn).await.unwrap();
    world.git("source", &["reflog", "expire", "--expire=now", "--all"]);
    world.git("source", &["gc", "--quiet", "--prune=now"]);
    for commit in &kept {
        world.git("source", &["cat-file", "-e", &format!("{commit}^{{commit}}")]);
    }
}

#[tokio::test]
async fn what_only_the_tracking_reference_held_is_kept() {
    let world = World::with_repository();
    world.seed(Dirty::Warn).await.unwrap();
    let lost = world.commit_in_cluster("b.yaml", "b: 1\n");
    // A second `up` sees it; then the cluster dies.
    world.seed(Dirty::Warn).await.unwrap();
    world.begin_again();
    world.seed(Dirty::Warn).await.unwrap();
    assert_eq!(world.git("source", &["for-each-ref", "--format=%(objectname)", "refs/seedbed-kept"]), lost);
}

#[tokio::test]
async fn commits_on_other_branches_are_kept() {
    let world = World::with_repository();
    world.seed(Dirty::Warn).await.unwrap();
    let images = world.commit_on_branch("flux/images");
    let fetched = world.fetch_back().await;
    let [FetchedBack::Kept { commit, count: 1, reference, .. }] = &fetched[..] else { panic!("{fetched:?}") };
    assert_eq!(*commit, images);
    assert!(reference.starts_with("refs/seedbed-kept/demo/flux-images-"), "{reference}");
    assert_eq!(world.git("source", &["rev-parse", reference]), images);
    assert!(fetched[0].aside());
    // It stops a rebuild once; then it is told and safe.
    assert_eq!(world.fetch_back().await, []);
}

#[tokio::test]
async fn a_branch_that_the_spec_does_not_name_any_more_is_kept() {
    let world = World::with_repository();
    world.git("source", &["branch", "trunk"]);
    world.seed(Dirty::Warn).await.unwrap();
    let ahead = world.commit_in_cluster("b.yaml", "b: 1\n");
    world.git("remote.git", &["branch", "-m", "main", "before"]);
    let fetched = world.fetch_back().await;
    assert!(matches!(&fetched[..], [FetchedBack::Kept { commit, .. }] if *commit == ahead), "{fetched:?}");
}

#[tokio::test]
async fn without_a_source_there_is_a_bundle_of_everything() {
    let world = World::with_repository();
    world.seed(Dirty::Warn).await.unwrap();
    let images = world.commit_on_branch("images");
    let first = world.bring(None).await;
    let [FetchedBack::Bundled { bundle, settled: false, .. }] = &first[..] else { panic!("{first:?}") };
    let again = world.bring(None).await;
    assert!(matches!(&again[..], [FetchedBack::Bundled { bundle: same, settled: true, .. }] if same == bundle));
    world.git(".", &["clone", "--quiet", &bundle.display().to_string(), "again"]);
    assert_eq!(world.git("again", &["rev-parse", "origin/images"]), images);
}

#[tokio::test]
async fn a_plain_directory_gets_the_files_and_a_bundle() {
    let world = World::new();
    world.write("source/a.yaml", "a: 1\n");
    world.write("source/gone.yaml", "g: 1\n");
    world.write("source/.gitignore", "private\n");
    world.write("source/private", "mine\n");
    world.seed(Dirty::Warn).await.unwrap();
    assert_eq!(world.fetch_back().await, []);
    world.commit_in_cluster("b.yaml", "b: 1\n");
    world.git("clone", &["rm", "--quiet", "gone.yaml"]);
    let ahead = world.commit("clone", "another");
    world.git("clone", &["push", "--quiet", "origin", "main"]);
    std::fs::remove_dir_all(world.path("state")).unwrap();
    let bundle = world.bundle(&ahead);
    let files = FetchedBack::Files { commit: ahead.clone(), count: 2, bundle: Some(bundle.clone()) };
    assert!(!files.aside());
    assert_eq!(world.fetch_back().await, [files]);
    assert_eq!(world.read("source/b.yaml"), "b: 1\n");
    assert_eq!(world.read("source/private"), "mine\n");
    assert!(!world.path("source/gone.yaml").exists());
    world.git(".", &["clone", "--quiet", &bundle.display().to_string(), "again"]);
    assert_eq!(world.git("again", &["rev-parse", "HEAD"]), ahead);
}

#[tokio::test]
async fn a_plain_directory_that_was_changed_keeps_its_files() {
    let world = World::new();
    world.write("source/a.yaml", "a: 1\n");
    world.seed(Dirty::Warn).await.unwrap();
    let first = world.commit_in_cluster("a.yaml", "a: cluster\n");
    world.write("source/a.yaml", "a: mine\n");
    let kept = world.fetch_back().await;
    assert!(matches!(&kept[..], [FetchedBack::Bundled { .. }]) && kept[0].aside(), "{kept:?}");
    assert_eq!(world.read("source/a.yaml"), "a: mine\n");
    assert!(matches!(world.pull().await, FetchedBack::Bundled { .. }));
    // The next one has a file of its own.
    let second = world.commit_in_cluster("a.yaml", "a: cluster again\n");
    world.fetch_back().await;
    assert!(world.bundle(&first).exists() && world.bundle(&second).exists());
}

#[tokio::test]
async fn other_branches_of_a_plain_directory_go_into_the_bundle() {
    let world = World::new();
    world.write("source/a.yaml", "a: 1\n");
    let tip = world.seed(Dirty::Warn).await.unwrap().tip;
    let images = world.commit_on_branch("images");
    let kept = world.fetch_back().await;
    assert!(matches!(&kept[..], [FetchedBack::Bundled { settled: false, .. }]), "{kept:?}");
    world.git(".", &["clone", "--quiet", &world.bundle(&tip).display().to_string(), "again"]);
    assert_eq!(world.git("again", &["rev-parse", "origin/images"]), images);
    // The same tip with another branch beside it is another bundle.
    world.commit_on_branch("more");
    world.fetch_back().await;
    assert!(world.path(&format!("demo-commits-{}-2.bundle", &tip[..12])).exists());
}
