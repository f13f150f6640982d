//! Where commits are kept aside: names that are made once and never moved.

use std::io;
use std::path::{Path, PathBuf};

use engine::failure::{Failure, Result};

use super::seed::short;
use super::{Git, tree};

/// The references of commits that were kept aside. `git gc` leaves what they hold.
const KEPT: &str = "refs/seedbed-kept";

/// Keeps an object under a reference that has its id in the name; answers that, and whether it is new.
pub async fn keep(git: &Git, cluster: &str, branch: &str, object: &str) -> Result<(String, bool)> {
    // Flat, as one branch may be called like another's folder.
    let branch = branch.replace('/', "-");
    for id in [short(object), object] {
        let reference = format!("{KEPT}/{cluster}/{branch}-{id}");
        let there = git.output(&["rev-parse", "--verify", "--quiet", "--end-of-options", &reference]).await?;
        if !there.success() {
            // The empty old value: it must not be there.
            git.run(&["update-ref", &reference, object, ""]).await?;
            return Ok((reference, true));
        }
        if there.stdout_text().trim() == object {
            return Ok((reference, false));
        }
    }
    Err(Failure::other(format!("the references under {KEPT}/{cluster} hold other objects than they are named by"))
        .hint(format!("Look at them: git for-each-ref {KEPT}.")))
}

/// Counts the commits that no branch, tag or kept reference holds, if any of them is not ours.
///
/// Ours are earlier states of the user's own working tree.
pub async fn unheld(git: &Git, object: &str) -> Result<usize> {
    let glob = format!("--glob={KEPT}");
    let emails = git.run(&["log", "--format=%ae", object, "--not", "--branches", "--tags", &glob]).await?;
    let foreign = emails.lines().any(|email| email != tree::EMAIL);
    Ok(if foreign { emails.lines().count() } else { 0 })
}

/// Keeps a bundle in a directory, under a name that nothing has; answers its path, and whether it is new.
pub async fn keep_bundle(bundle: &Path, directory: &Path, name: &str, tip: &str) -> Result<(PathBuf, bool)> {
    let git = Git::at(directory);
    let heads = heads(&git, bundle).await?;
    let failed = |path: &Path, error: &io::Error| {
        Failure::other(format!("the commits made in the cluster cannot be kept in {}", path.display()))
            .because(error)
            .hint("Make the directory writable, or free some space, and try again.")
    };
    for round in 1.. {
        let end = if round == 1 { String::new() } else { format!("-{round}") };
        let path = directory.join(format!("{name}-{}{end}.bundle", short(tip)));
        if path.exists() {
            // A whole history with the same heads is the same.
            if self::heads(&git, &path).await.is_ok_and(|there| there == heads) {
                return Ok((path, false));
            }
            continue;
        }
        match write(bundle, directory, &path) {
            Ok(()) => return Ok((path, true)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&path, &error)),
        }
    }
    Err(failed(directory, &io::ErrorKind::AlreadyExists.into()))
}

/// Copies a file; its name appears when all of it is on the disk.
fn write(from: &Path, directory: &Path, to: &Path) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    io::copy(&mut std::fs::File::open(from)?, &mut file)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(to)?;
    std::fs::File::open(directory)?.sync_all()
}

async fn heads(git: &Git, bundle: &Path) -> Result<Vec<String>> {
    let bundle = std::path::absolute(bundle).unwrap_or_else(|_| bundle.to_owned());
    let listed = git.run(&["bundle", "list-heads", &bundle.to_string_lossy()]).await?;
    let mut heads: Vec<String> = listed.lines().map(str::to_owned).collect();
    heads.sort();
    Ok(heads)
}
