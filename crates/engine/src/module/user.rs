//! `user`: sees to a user.

use super::arg::{Flag, OneOrMany, RemotePath, arguments, choice};
use super::{Outcome, access};
use crate::failure::Result;
use crate::host::{Command, HostView};

choice! {
    /// Whether the user is there.
    State {
        /// They are.
        Present = "present",
        /// They are not.
        Absent = "absent",
    }
}

choice! {
    /// When the password is set.
    UpdatePassword {
        /// Whenever it differs.
        Always = "always",
        /// When the user is made.
        OnCreate = "on_create",
    }
}

arguments! {
    /// Arguments of `user`.
    Args {
        /// The name.
        name ("user"): String,
        /// The number.
        uid: Option<u32>,
        /// The first group.
        group: Option<String>,
        /// The other groups.
        groups: Option<OneOrMany<String>>,
        /// Whether groups that the user is in are kept.
        append: Flag = Flag(false),
        /// The shell.
        shell: Option<RemotePath>,
        /// The home directory.
        home: Option<RemotePath>,
        /// Whether the home directory is made.
        create_home ("createhome"): Flag = Flag(true),
        /// Whether the number is among the system's.
        system: Flag = Flag(false),
        /// The full name.
        comment: Option<String>,
        /// The hashed password; `*` lets nobody in by password.
        password: Option<String>,
        /// When the password is set.
        update_password: UpdatePassword = UpdatePassword::Always,
        /// Whether the password is locked.
        password_lock: Option<Flag>,
        /// Whether they are there.
        state: State = State::Present,
        /// Whether the home directory goes with the user.
        remove: Flag = Flag(false),
        /// Whether a user who is logged in is removed.
        force: Flag = Flag(false),
    }
}

/// A user as the host knows them.
struct Known {
    uid: String,
    group: String,
    comment: String,
    home: String,
    shell: String,
    /// The other groups.
    groups: Vec<String>,
}

pub async fn run(args: &Args, host: &mut HostView<'_>) -> Result<Outcome> {
    let known = look(&args.name, host).await?;
    let result = |changed| Outcome::changed(changed).with("name", args.name.as_str());
    match (args.state, known) {
        (State::Absent, None) => Ok(result(false)),
        (State::Absent, Some(_)) => {
            let remove = args.remove.0.then_some("--remove");
            let force = args.force.0.then_some("--force");
            let words = ["userdel"].into_iter().chain(remove).chain(force).chain(["--", args.name.as_str()]);
            access::must(host, Command::argv(words)).await?;
            Ok(result(true))
        }
        (State::Present, None) => {
            access::must(host, Command::argv(create(args))).await?;
            password(args, None, host).await?;
            Ok(result(true)
                .with("home", args.home.as_ref().map_or(format!("/home/{}", args.name), |home| home.0.clone())))
        }
        (State::Present, Some(known)) => {
            let words = modify(args, &known);
            let changed = !words.is_empty();
            if changed {
                let command =
                    ["usermod".to_owned()].into_iter().chain(words).chain(["--".to_owned(), args.name.clone()]);
                access::must(host, Command::argv(command)).await?;
            }
            let mut shadow = None;
            if args.password.is_some() || args.password_lock.is_some() {
                let entry = access::ask(host, Command::argv(["getent", "shadow", &args.name])).await?.stdout_text();
                shadow = entry.split(':').nth(1).map(str::to_owned);
            }
            let set = password(args, shadow.as_deref(), host).await?;
            Ok(result(changed || set).with("uid", known.uid.parse::<u32>().ok()).with("home", known.home))
        }
    }
}

async fn look(name: &str, host: &mut HostView<'_>) -> Result<Option<Known>> {
    let entry = host.run_query(Command::argv(["getent", "passwd", name])).await?;
    let text = entry.stdout_text();
    let fields: Vec<&str> = text.trim_end().split(':').collect();
    let [_, _, uid, _, comment, home, shell] = fields[..] else { return Ok(None) };
    let group = access::ask(host, Command::argv(["id", "-gn", "--", name])).await?.stdout_text().trim().to_owned();
    let groups = access::ask(host, Command::argv(["id", "-Gn", "--", name])).await?.stdout_text();
    let groups = groups.split_whitespace().filter(|other| *other != group).map(str::to_owned).collect();
    let text = str::to_owned;
    Ok(Some(Known { uid: text(uid), comment: text(comment), home: text(home), shell: text(shell), group, groups }))
}

fn create(args: &Args) -> Vec<String> {
    let mut words = vec!["useradd".to_owned()];
    if args.system.0 {
        words.push("--system".to_owned());
    }
    words.push(if args.create_home.0 { "--create-home" } else { "--no-create-home" }.to_owned());
    let groups = args.groups.as_ref().map(|groups| groups.0.join(",")).filter(|groups| !groups.is_empty());
    let options = [
        ("--uid", args.uid.map(|uid| uid.to_string())),
        ("--gid", args.group.clone()),
        ("--groups", groups),
        ("--shell", args.shell.as_ref().map(|shell| shell.0.clone())),
        ("--home-dir", args.home.as_ref().map(|home| home.0.clone())),
        ("--comment", args.comment.clone()),
    ];
    words.extend(options.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?])).flatten());
    words.extend(["--".to_owned(), args.name.clone()]);
    words
}

fn modify(args: &Args, known: &Known) -> Vec<String> {
    let differs = |wanted: Option<String>, there: &str| wanted.filter(|wanted| wanted != there);
    let mut words = Vec::new();
    let options = [
        ("--uid", differs(args.uid.map(|uid| uid.to_string()), &known.uid)),
        ("--gid", differs(args.group.clone(), &known.group)),
        ("--shell", differs(args.shell.as_ref().map(|shell| shell.0.clone()), &known.shell)),
        ("--home", differs(args.home.as_ref().map(|home| home.0.clone()), &known.home)),
        ("--comment", differs(args.comment.clone(), &known.comment)),
    ];
    words.extend(options.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?])).flatten());
    if let Some(OneOrMany(wanted)) = &args.groups {
        let missing = wanted.iter().any(|group| !known.groups.contains(group) && *group != known.group);
        let spare = known.groups.iter().any(|group| !wanted.contains(group));
        if args.append.0 && missing {
            words.extend(["--append".to_owned(), "--groups".to_owned(), wanted.join(",")]);
        } else if !args.append.0 && (missing || spare) {
            words.extend(["--groups".to_owned(), wanted.join(",")]);
        }
    }
    words
}

/// Sets the hashed password through the standard input, so that no process list shows it.
async fn password(args: &Args, shadow: Option<&str>, host: &mut HostView<'_>) -> Result<bool> {
    let mut changed = false;
    if let Some(hash) = &args.password {
        let differs = shadow.is_none_or(|shadow| {
            args.update_password == UpdatePassword::Always && shadow.trim_start_matches('!') != hash
        });
        if differs {
            let entry = format!("{}:{hash}\n", args.name);
            access::must(host, Command::argv(["chpasswd", "--encrypted"]).stdin(entry)).await?;
            changed = true;
        }
    }
    let locked = shadow.is_some_and(|shadow| shadow.starts_with('!'));
    match args.password_lock {
        Some(Flag(true)) if !locked => {
            access::must(host, Command::argv(["usermod", "--lock", "--", &args.name])).await?;
            Ok(true)
        }
        Some(Flag(false)) if locked => {
            access::must(host, Command::argv(["usermod", "--unlock", "--", &args.name])).await?;
            Ok(true)
        }
        _ => Ok(changed),
    }
}
