//! Writes a text file that was edited, if the edit changed it.

use super::arg::{Flag, Mode};
use super::attributes::Wanted;
use super::{Diff, Outcome, access};
use crate::failure::{Failure, Result};
use crate::host::{Change, Command, HostView, Stat};

/// How an edited file is written.
#[derive(Debug)]
pub struct Edit<'a> {
    pub path: &'a str,
    pub owner: Option<&'a String>,
    pub group: Option<&'a String>,
    pub mode: Option<&'a Mode>,
    pub backup: Flag,
    pub validate: Option<&'a String>,
}

impl Edit<'_> {
    /// Reads the file; `None` if there is none.
    pub async fn read(&self, host: &mut HostView<'_>) -> Result<Option<(Stat, String)>> {
        let Some(stat) = access::followed(host, self.path).await? else { return Ok(None) };
        let text = access::text(host, self.path).await?;
        Ok(Some((stat, text)))
    }

    /// Writes the new text where it differs, and sets what attributes are missing.
    pub async fn write(&self, there: Option<(Stat, String)>, after: &str, host: &mut HostView<'_>) -> Result<Outcome> {
        let wanted = Wanted { owner: self.owner, group: self.group, mode: self.mode };
        let path = self.path.to_owned();
        let before = there.as_ref().map_or("", |(_, text)| text);
        if let Some((stat, _)) = there.as_ref().filter(|(_, text)| text == after) {
            let Some(attributes) = wanted.missing(stat) else { return Ok(Outcome::unchanged()) };
            host.apply(Change::Attributes { path, attributes, recurse: false }).await?;
            return Ok(Outcome::changed(true).with("msg", "attributes changed"));
        }
        if let Some(validate) = self.validate {
            self.accepted(validate, after, host).await?;
        }
        if let (true, Some((stat, _))) = (self.backup.0, &there) {
            let kept = format!("{path}.{}~", stat.modified);
            access::must(host, Command::argv(["cp", "-p", &path, &kept])).await?;
        }
        let diff = Diff::of(&path, before.as_bytes(), after.as_bytes());
        let attributes = wanted.of_new(there.as_ref().map_or(0o644, |(stat, _)| stat.mode), false);
        let target = self.target(host).await?;
        host.write(target, after, attributes).await?;
        Ok(Outcome::changed(true).diff(diff))
    }

    /// Has a command look at the new text, which lies in a file beside the old one.
    async fn accepted(&self, validate: &str, after: &str, host: &mut HostView<'_>) -> Result<()> {
        super::copy::accepted(validate, self.path, after.as_bytes(), host).await
    }

    /// A link is edited where it leads to.
    async fn target(&self, host: &mut HostView<'_>) -> Result<String> {
        match host.stat(self.path).await? {
            Some(Stat { target: Some(_), .. }) => {
                let end = access::ask(host, Command::argv(["readlink", "-f", self.path])).await?.stdout_text();
                Ok(end.trim_end_matches('\n').to_owned())
            }
            _ => Ok(self.path.to_owned()),
        }
    }
}

/// There is no file, and the task does not say `create`.
pub fn absent(path: &str) -> Failure {
    Failure::step(format!("{path} does not exist")).hint("`create: true` makes it")
}

/// A regular expression of a task.
pub fn pattern(text: &str) -> Result<regex::Regex> {
    regex::RegexBuilder::new(text)
        .build()
        .map_err(|error| Failure::step(format!("the regular expression `{text}` does not parse")).because(&error))
}
