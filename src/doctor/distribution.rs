//! Which packages a system has, by os-release(5).

use nix::unistd::Uid;

/// A family of distributions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Debian, Ubuntu and what derives from them.
    Debian,
    /// Fedora and its relatives.
    Fedora,
    /// Another, by its name.
    Other(String),
}

impl Distribution {
    /// Reads `/etc/os-release`.
    pub fn look() -> Self {
        let text =
            std::fs::read_to_string("/etc/os-release").or_else(|_| std::fs::read_to_string("/usr/lib/os-release"));
        Self::parse(&text.unwrap_or_default())
    }

    fn parse(text: &str) -> Self {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches(['"', '\''])
        };
        let names = format!("{} {}", value("ID"), value("ID_LIKE"));
        let is = |wanted: &[&str]| names.split_whitespace().any(|name| wanted.contains(&name));
        if is(&["debian", "ubuntu"]) {
            Self::Debian
        } else if is(&["fedora", "rhel", "centos"]) {
            Self::Fedora
        } else {
            Self::Other(value("PRETTY_NAME").to_owned())
        }
    }

    pub(super) fn packages<'a>(&self, debian: &'a [&'static str], fedora: &'a [&'static str]) -> &'a [&'static str] {
        match self {
            Self::Fedora => fedora,
            // The names that most guides have.
            Self::Debian | Self::Other(_) => debian,
        }
    }

    /// The command that installs packages; none for no packages.
    pub(super) fn install(&self, packages: &[&str]) -> Option<String> {
        if packages.is_empty() {
            return None;
        }
        let packages = packages.join(" ");
        let sudo = sudo();
        Some(match self {
            Self::Debian => format!("{sudo}apt-get install -y --no-install-recommends {packages}"),
            Self::Fedora => format!("{sudo}dnf install -y {packages}"),
            Self::Other(_) => format!("install what Debian calls: {packages}"),
        })
    }
}

/// `sudo `, unless root asks.
pub(super) fn sudo() -> &'static str {
    if Uid::effective().is_root() { "" } else { "sudo " }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_by_their_relatives() {
        assert_eq!(Distribution::parse("ID=debian\n"), Distribution::Debian);
        assert_eq!(
            Distribution::parse("NAME=\"Linux Mint\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"),
            Distribution::Debian
        );
        assert_eq!(Distribution::parse("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), Distribution::Fedora);
        assert_eq!(
            Distribution::parse("ID=arch\nPRETTY_NAME='Arch Linux'\n"),
            Distribution::Other("Arch Linux".into())
        );
    }
}
