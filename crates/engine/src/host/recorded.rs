//! A host that was recorded: answers from a file, collects what would be altered.
//!
//! ```yaml
//! stat:
//!   /etc/motd: null
//! read:
//!   /etc/hostname: "node\n"
//! run:
//!   dpkg-query -W curl: { code: 1, stderr: "no packages found" }
//! applied:
//!   apt-get install -y curl: { code: 0 }
//! ```

use indexmap::IndexMap;
use serde::Deserialize;

use super::{Answer, Change, Output, Query, Stat};
use crate::failure::{Failure, Result};

/// The recorded answers of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recorded {
    /// Attributes by path; null where there is no file.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub stat: IndexMap<String, Option<Stat>>,
    /// Contents by path; null where there is no file.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub read: IndexMap<String, Option<String>>,
    /// Outputs of queries by the command as it would be typed.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub run: IndexMap<String, Said>,
    /// Outputs of commands that alter; one that is not here succeeds in silence.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub applied: IndexMap<String, Said>,
}

/// A command's output as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Said {
    pub code: i32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stdout: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stderr: String,
}

impl Recorded {
    /// Reads a recording from YAML.
    pub fn load(yaml: &str) -> Result<Self> {
        serde_saphyr::from_str(yaml).map_err(|error| Failure::invalid("the recording does not parse").because(&error))
    }

    pub(super) fn answer(&self, query: &Query) -> Result<Answer> {
        let answer = match query {
            Query::Stat(path) => self.stat.get(path).cloned().map(Answer::Stat),
            Query::Read(path) => {
                self.read.get(path).map(|content| Answer::Read(content.clone().map(String::into_bytes)))
            }
            Query::Run(command) => self.run.get(&command.to_string()).map(|said| Answer::Run(said.output())),
        };
        answer.ok_or_else(|| {
            Failure::other(format!("not in the recording: `{query}`"))
                .hint("Add its answer to the case, or record it anew.")
        })
    }

    pub(super) fn applied(&self, change: &Change) -> Output {
        match change {
            Change::Run(command) => self.applied.get(&command.to_string()).map(Said::output).unwrap_or_default(),
            _ => Output::default(),
        }
    }
}

impl Said {
    fn output(&self) -> Output {
        Output { code: self.code, stdout: self.stdout.clone().into_bytes(), stderr: self.stderr.clone().into_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Command, FileKind};

    #[test]
    fn a_recording_answers_and_what_it_lacks_is_an_error() {
        let recorded = Recorded::load(
            "stat:\n  /a: null\n  /b: {kind: file, mode: '0644', owner: root, group: root, uid: 0, gid: 0, size: 3, modified: 1}\n\
             read:\n  /b: \"one\\n\"\nrun:\n  uname -r: {stdout: \"6.1\\n\"}\n",
        )
        .unwrap();
        assert_eq!(recorded.answer(&Query::Stat("/a".into())), Ok(Answer::Stat(None)));
        let Ok(Answer::Stat(Some(stat))) = recorded.answer(&Query::Stat("/b".into())) else { panic!("no stat") };
        assert_eq!((stat.kind, stat.mode), (FileKind::File, 0o644));
        assert_eq!(recorded.answer(&Query::Read("/b".into())), Ok(Answer::Read(Some(b"one\n".to_vec()))));
        let output = Output { stdout: b"6.1\n".to_vec(), ..Output::default() };
        assert_eq!(recorded.answer(&Query::Run(Command::argv(["uname", "-r"]))), Ok(Answer::Run(output)));
        let missing = recorded.answer(&Query::Read("/c".into())).unwrap_err();
        assert_eq!(missing.to_string(), "not in the recording: `cat /c`");
    }
}
