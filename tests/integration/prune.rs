//! `seedbed artifacts prune`: what was used stays, what was not goes, and nothing goes under a run's feet.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use engine::digest;
use engine::event::Events;
use seedbed::artifact::Store;

/// A store of a user.
struct Cache(tempfile::TempDir);

impl Cache {
    fn new() -> Self {
        let cache = Self(tempfile::tempdir().unwrap());
        for directory in ["blobs/sha256", "recipes", "work"] {
            std::fs::create_dir_all(cache.path(directory)).unwrap();
        }
        cache
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("seedbed").join(name)
    }

    fn blob(&self, content: &str) -> PathBuf {
        let path = self.path("blobs/sha256").join(digest::of_bytes(content.as_bytes()));
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Records that a recipe gave some content, used last so many days ago.
    fn recipe(&self, key: &str, days: u64, contents: &[&str]) -> PathBuf {
        let outputs = contents.iter().map(|content| {
            let blob = serde_json::json!({ "digest": digest::of_bytes(content.as_bytes()), "size": content.len() });
            ((*content).to_owned(), blob)
        });
        let outputs: serde_json::Map<_, _> = outputs.collect();
        let made = "2026-01-01T00:00:00Z";
        let entry = serde_json::json!({ "origin": "build", "by": "go", "made": made, "outputs": outputs });
        let path = self.path("recipes").join(format!("{key}.json"));
        std::fs::write(&path, entry.to_string()).unwrap();
        age(&path, days);
        path
    }

    fn prune(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
        command.args(["artifacts", "prune", "--report", "lines"]).args(more).stdin(Stdio::null());
        command.env("XDG_CACHE_HOME", self.0.path());
        command
    }

    fn pruned(&self, more: &[&str]) -> String {
        let output = self.prune(more).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

fn age(path: &Path, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
    File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

#[test]
fn what_no_run_has_used_for_long_goes() {
    let cache = Cache::new();
    let [old, shared, new, nobodys] = ["old", "shared", "new", "nobody's"].map(|content| cache.blob(content));
    age(&nobodys, 40);
    let gone = cache.recipe("one", 40, &["old", "shared"]);
    let kept = cache.recipe("two", 20, &["new", "shared"]);
    let [partial, stale] = ["fresh.part", "stale.part"].map(|name| cache.path("work").join(name));
    for file in [&partial, &stale] {
        std::fs::write(file, "half").unwrap();
    }
    age(&stale, 40);
    std::fs::create_dir(cache.path("work/build-that-died")).unwrap();

    let said = cache.pruned(&["--dry-run"]);
    assert!(said.starts_with("old, shared: not used for 40 days\n3 files, "), "{said}");
    assert!(said.ends_with("would be removed\n"), "{said}");
    assert!([&old, &nobodys, &gone, &stale].iter().all(|path| path.exists()), "nothing is removed");

    let said = cache.pruned(&[]);
    assert!(
        said.starts_with("old, shared: not used for 40 days\n4 files, ") && said.ends_with(", removed\n"),
        "{said}"
    );
    assert!([&old, &nobodys, &gone, &stale].iter().all(|path| !path.exists()), "{said}");
    assert!([&shared, &new, &kept, &partial].iter().all(|path| path.exists()), "{said}");
    assert!(!cache.path("work/build-that-died").exists());

    cache.pruned(&["--keep-days", "10"]);
    assert!([&shared, &new, &kept].iter().all(|path| !path.exists()));
}

#[tokio::test]
async fn it_waits_for_who_fills_the_store_and_for_who_reads_from_it() {
    let cache = Cache::new();
    let store = Store::open(cache.path(""));
    let step = Events::ignored().step("up");
    for fills in [true, false] {
        let blob = cache.blob("old");
        cache.recipe("one", 40, &["old"]);
        let lock = if fills { store.lock(&step).await } else { store.hold(&step).await };
        let mut child = cache.prune(&[]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("another seedbed to finish with the store") {
            assert_ne!(talk.read_line(&mut said).unwrap(), 0, "{said}");
        }
        assert!(blob.exists());
        drop(lock.unwrap());
        talk.read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
        assert!(!blob.exists());
    }
}
