//! `apt`: Debian packages, apt-get(8).

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::arg::{Flag, OneOrMany, RemotePath, arguments, choice};
use super::{Outcome, access};
use crate::failure::Result;
use crate::host::{Applied, Command, HostView};

choice! {
    /// Whether packages are installed.
    State {
        /// They are.
        Present = "present" | "installed",
        /// They are, in the newest version.
        Latest = "latest",
        /// They are not.
        Absent = "absent" | "removed",
    }
}

choice! {
    /// Whether all packages are upgraded.
    Upgrade {
        /// No.
        No = "no" | "False" | "false",
        /// Those that need no removal.
        Safe = "yes" | "safe" | "True" | "true",
        /// All.
        Full = "full" | "dist",
    }
}

arguments! {
    /// Arguments of `apt`.
    Args {
        /// The packages, each perhaps with `=version`.
        name ("package", "pkg"): Option<OneOrMany<String>>,
        /// Whether they are installed.
        state: State = State::Present,
        /// A package file on the host.
        deb: Option<RemotePath>,
        /// Whether the lists are fetched before.
        update_cache ("update-cache"): Flag = Flag(false),
        /// Seconds for which fetched lists are good.
        cache_valid_time: u64 = 0,
        /// Whether all packages are upgraded.
        upgrade: Upgrade = Upgrade::No,
        /// Whether recommended packages come, too.
        install_recommends ("install-recommends"): Option<Flag>,
        /// Whether configuration goes with a package.
        purge: Flag = Flag(false),
        /// Whether packages that nothing needs any more go.
        autoremove: Flag = Flag(false),
        /// Whether fetched packages are deleted.
        autoclean: Flag = Flag(false),
        /// Whether an older version may be installed.
        allow_downgrade: Flag = Flag(false),
        /// Whether a held package may be changed.
        allow_change_held_packages: Flag = Flag(false),
        /// The release from which packages come.
        default_release ("default-release"): Option<String>,
        /// Options of dpkg, between commas.
        dpkg_options: String = "force-confdef,force-confold".to_owned(),
        /// Seconds to wait for another's lock.
        lock_timeout: u64 = 60,
        /// Accepted; apt-get is always used.
        force_apt_get: Flag = Flag(true),
    }
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let mut updated = false;
    if args.update_cache.0 || args.cache_valid_time > 0 {
        updated = update(args, host).await?;
    }
    let mut changed = false;
    match args.upgrade {
        Upgrade::No => {}
        Upgrade::Safe => changed |= upgrade(args, "upgrade", host).await?,
        Upgrade::Full => changed |= upgrade(args, "dist-upgrade", host).await?,
    }
    if let Some(deb) = &args.deb {
        changed |= install(args, std::slice::from_ref(&deb.0), host).await?;
    }
    let names = args.name.as_ref().map_or(&[][..], |names| &names.0);
    let there = versions(names, host).await?;
    let wanted: Vec<String> = names.iter().filter(|name| needs(args, name, &there)).cloned().collect();
    changed |= match args.state {
        State::Present | State::Latest if !wanted.is_empty() => install(args, &wanted, host).await?,
        State::Absent if !wanted.is_empty() => {
            let verb = if args.purge.0 { "purge" } else { "remove" };
            get(args, &[verb], &wanted, host).await?;
            true
        }
        _ => false,
    };
    if args.autoremove.0 && names.is_empty() {
        changed |= upgrade(args, "autoremove", host).await?;
    }
    if args.autoclean.0 {
        get(args, &["autoclean"], &[], host).await?;
    }
    Ok(Outcome::changed(changed).with("cache_updated", updated))
}

/// Fetches the lists, unless they are new enough.
async fn update(args: &Args, host: &mut HostView<'_>) -> Result<bool> {
    if args.cache_valid_time > 0 {
        let age = "echo $(( $(date +%s) - $(stat -c %Y /var/lib/apt/lists 2>/dev/null || echo 0) ))";
        let age = access::ask(host, Command::shell(age)).await?.stdout_text();
        if age.trim().parse::<u64>().is_ok_and(|age| age < args.cache_valid_time) {
            return Ok(false);
        }
    }
    get(args, &["update"], &[], host).await?;
    // The age is read from this directory, which an update without news does not touch.
    host.run(Command::argv(["touch", "/var/lib/apt/lists"])).await?;
    Ok(true)
}

/// The installed versions.
async fn versions(names: &[String], host: &mut HostView<'_>) -> Result<HashMap<String, String>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let bare = names.iter().map(|name| name.split('=').next().unwrap_or(name));
    let format = "--showformat=${Package} ${db:Status-Status} ${Version}\n";
    let query = Command::argv(["dpkg-query", "--show", format].into_iter().chain(bare));
    // It ends with 1 when one of the packages is unknown, and still prints the others.
    let output = host.run_query(query).await?.stdout_text();
    let installed = output.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (name, status, version) = (words.next()?, words.next()?, words.next()?);
        (status == "installed").then(|| (name.to_owned(), version.to_owned()))
    });
    Ok(installed.collect())
}

/// Whether anything is to be done about a package.
fn needs(args: &Args, wanted: &str, there: &HashMap<String, String>) -> bool {
    let (name, version) = wanted.split_once('=').map_or((wanted, None), |(name, version)| (name, Some(version)));
    let installed = there.get(name.split(':').next().unwrap_or(name));
    match (args.state, installed, version) {
        (State::Absent, installed, _) => installed.is_some(),
        (_, None, _) | (State::Latest, _, None) => true,
        (_, Some(installed), Some(version)) => match version.strip_suffix('*') {
            Some(start) => !installed.starts_with(start),
            None => installed != version,
        },
        (State::Present, Some(_), None) => false,
    }
}

async fn install(args: &Args, names: &[String], host: &mut HostView<'_>) -> Result<bool> {
    let mut words = vec!["install"];
    match args.install_recommends {
        Some(Flag(true)) => words.push("--install-recommends"),
        Some(Flag(false)) => words.push("--no-install-recommends"),
        None => {}
    }
    let options = [
        (args.allow_downgrade, "--allow-downgrades"),
        (args.allow_change_held_packages, "--allow-change-held-packages"),
    ];
    words.extend(options.iter().filter(|(flag, _)| flag.0).map(|(_, word)| *word));
    if let Some(release) = &args.default_release {
        words.extend(["--target-release", release]);
    }
    get(args, &words, names, host).await
}

async fn upgrade(args: &Args, verb: &str, host: &mut HostView<'_>) -> Result<bool> {
    get(args, &[verb], &[], host).await
}

/// Runs apt-get, waiting while another holds its locks; says whether it changed anything.
async fn get(args: &Args, words: &[&str], names: &[String], host: &mut HostView<'_>) -> Result<bool> {
    let lock = format!("DPkg::Lock::Timeout={}", args.lock_timeout);
    let mut line: Vec<String> = ["apt-get", "--yes", "--quiet", "-o", &lock].map(str::to_owned).into();
    for option in args.dpkg_options.split(',').map(str::trim).filter(|option| !option.is_empty()) {
        line.extend(["-o".to_owned(), format!("Dpkg::Options::=--{option}")]);
    }
    line.extend(words.iter().map(|word| (*word).to_owned()));
    line.extend(names.iter().cloned());
    let mut command = Command::argv(line);
    command.environment.push(("DEBIAN_FRONTEND".to_owned(), "noninteractive".to_owned()));
    let end = Instant::now() + Duration::from_secs(args.lock_timeout);
    loop {
        let Applied::Done(output) = host.run(command.clone()).await? else { return Ok(true) };
        // apt-get waits for dpkg's lock, but not for the lists' or the archives'.
        let locked = output.stderr_text().contains("Could not get lock");
        if locked && Instant::now() < end {
            tokio::time::sleep(Duration::from_secs(3)).await;
            continue;
        }
        if !output.success() {
            return Err(access::ended(&command.to_string(), &output));
        }
        let nothing = "0 upgraded, 0 newly installed, 0 to remove";
        return Ok(!output.stdout_text().contains(nothing));
    }
}
