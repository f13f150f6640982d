//! The modules: what a task can do on a host.
//!
//! Each is one file with an argument struct and `run`, which sees and applies. To add one: its file, and a line in
//! the table below.

pub mod arg;

mod access;
mod apt;
mod attributes;
mod authorized_key;
mod blockinfile;
#[cfg(test)]
mod cases;
mod command;
mod control;
mod copy;
mod dpkg_selections;
mod edit;
mod file;
mod get_url;
mod group;
mod hostname;
mod lineinfile;
mod modprobe;
mod mount;
mod outcome;
mod replace;
mod setup;
mod shell;
mod slurp;
mod stat;
mod sysctl;
mod systemd;
mod unarchive;
mod user;
mod wait_for;

use arg::{Arguments, Declared, Parameter};

use crate::failure::{Failure, Result};
use crate::host::HostView;

pub use control::{Assert, Debug, Fail, Meta, Pause, SetFact, Template};
pub use copy::{Args as Copy, Content};
pub use outcome::{Diff, Outcome};
pub use setup::{Args as Setup, FACTS};
pub use unarchive::Args as Unarchive;

/// A module as the table declares it.
#[derive(Debug)]
pub struct Entry {
    pub name: &'static str,
    aliases: &'static [&'static str],
    collection: &'static str,
    /// None where any name is a parameter, as in `set_fact`.
    pub parameters: Option<&'static [Parameter]>,
    /// The parameter that a line without names is.
    pub free_form: Option<&'static str>,
    read: fn(&Arguments) -> Result<Module, Vec<Failure>>,
}

impl Entry {
    /// Reads rendered arguments; every mistake at once.
    pub fn read(&self, arguments: &Arguments) -> Result<Module, Vec<Failure>> {
        (self.read)(arguments)
    }
}

/// Finds a module by its short or fully qualified name.
pub fn find(name: &str) -> Option<&'static Entry> {
    let (collection, short) =
        name.rsplit_once('.').map_or((None, name), |(collection, short)| (Some(collection), short));
    MODULES.iter().find(|entry| {
        let collections = ["ansible.builtin", "ansible.legacy", entry.collection];
        (entry.name == short || entry.aliases.contains(&short))
            && collection.is_none_or(|given| collections.contains(&given))
    })
}

/// The short names of all modules.
pub fn names() -> impl Iterator<Item = &'static str> {
    MODULES.iter().flat_map(|entry| std::iter::once(entry.name).chain(entry.aliases.iter().copied()))
}

const fn parameters<T: Declared>() -> Option<&'static [Parameter]> {
    if T::ANY { None } else { Some(T::PARAMETERS) }
}

macro_rules! modules {
    (
        hosts { $($variant:ident = $collection:literal, $name:literal $(| $alias:literal)* => $module:ident $(, $free:literal)?;)+ }
        control { $($control:ident = $control_name:literal $(, $control_free:literal)?;)+ }
    ) => {
        /// A module with its arguments.
        #[derive(Clone, Debug)]
        pub enum Module {
            $($variant($module::Args),)+
            $($control(control::$control),)+
        }

        const MODULES: &[Entry] = &[
            $(Entry {
                name: $name,
                aliases: &[$($alias),*],
                collection: $collection,
                parameters: parameters::<$module::Args>(),
                free_form: modules!(@free $($free)?),
                read: |arguments| <$module::Args as Declared>::read(arguments).map(Module::$variant),
            },)+
            $(Entry {
                name: $control_name,
                aliases: &[],
                collection: "ansible.builtin",
                parameters: parameters::<control::$control>(),
                free_form: modules!(@free $($control_free)?),
                read: |arguments| <control::$control as Declared>::read(arguments).map(Module::$control),
            },)+
        ];

        impl Module {
            /// Runs it on a host. Those that the runner itself carries out do nothing here.
            pub async fn run(&self, host: &mut HostView<'_>) -> Result<Outcome> {
                match self {
                    $(Self::$variant(args) => $module::run(args, host).await,)+
                    $(Self::$control(_) => Ok(Outcome::unchanged()),)+
                }
            }
        }
    };
    (@free) => { None };
    (@free $free:literal) => { Some($free) };
}

modules! {
    hosts {
        Apt = "ansible.builtin", "apt" | "apt_get" => apt;
        AuthorizedKey = "ansible.posix", "authorized_key" => authorized_key;
        Blockinfile = "ansible.builtin", "blockinfile" => blockinfile;
        Command = "ansible.builtin", "command" => command, "cmd";
        Copy = "ansible.builtin", "copy" => copy;
        DpkgSelections = "ansible.builtin", "dpkg_selections" => dpkg_selections;
        File = "ansible.builtin", "file" => file;
        GetUrl = "ansible.builtin", "get_url" => get_url;
        Group = "ansible.builtin", "group" => group;
        Hostname = "ansible.builtin", "hostname" => hostname;
        Lineinfile = "ansible.builtin", "lineinfile" => lineinfile;
        Modprobe = "community.general", "modprobe" => modprobe;
        Mount = "ansible.posix", "mount" => mount;
        Replace = "ansible.builtin", "replace" => replace;
        Setup = "ansible.builtin", "setup" | "gather_facts" => setup;
        Shell = "ansible.builtin", "shell" => shell, "cmd";
        Slurp = "ansible.builtin", "slurp" => slurp;
        Stat = "ansible.builtin", "stat" => stat;
        Sysctl = "ansible.posix", "sysctl" => sysctl;
        Systemd = "ansible.builtin", "systemd" | "systemd_service" | "service" => systemd;
        Unarchive = "ansible.builtin", "unarchive" => unarchive;
        User = "ansible.builtin", "user" => user;
        WaitFor = "ansible.builtin", "wait_for" => wait_for;
    }
    control {
        Assert = "assert";
        Debug = "debug";
        Fail = "fail";
        Meta = "meta", "action";
        Pause = "pause";
        SetFact = "set_fact";
        Template = "template";
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_short_or_fully_qualified() {
        let name = |given: &str| super::find(given).map(|entry| entry.name);
        assert_eq!(name("ansible.builtin.systemd_service"), Some("systemd"));
        assert_eq!(name("community.general.modprobe"), Some("modprobe"));
        assert_eq!(name("sysctl"), Some("sysctl"));
        assert_eq!(name("community.general.copy"), None);
    }
}
