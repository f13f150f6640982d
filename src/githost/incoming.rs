//! Everything of a received bundle, while it is looked through.

use engine::failure::Result;

use super::fetch_back::Received;
use super::{Git, tree};

/// What a bundle holds, fetched into a local repository.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Where it lies until it is sorted.
    prefix: String,
    /// The tip of the spec's branch.
    pub tip: Option<String>,
    /// Other branches and tags by name, and what they point to.
    pub others: Vec<(String, String)>,
}

impl Incoming {
    pub async fn of(git: &Git, received: &Received<'_>) -> Result<Self> {
        let prefix = format!("refs/seedbed-incoming/{}", received.cluster);
        let mut incoming = Self { prefix, tip: None, others: Vec::new() };
        // What an interrupted run left could be in the way.
        incoming.forget(git).await?;
        let specification = format!("+refs/*:{}/*", incoming.prefix);
        let bundle = received.bundle.to_string_lossy();
        git.run(&["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", &bundle, &specification]).await?;
        for (reference, object) in incoming.listed(git).await? {
            let name = reference.strip_prefix(&format!("{}/", incoming.prefix)).unwrap_or(&reference);
            let name = name.strip_prefix("heads/").unwrap_or(name);
            let branch = reference == format!("{}/heads/{}", incoming.prefix, received.branch);
            if branch { incoming.tip = Some(object) } else { incoming.others.push((name.to_owned(), object)) }
        }
        Ok(incoming)
    }

    /// The others that have commits beyond the spec's branch which are not ours.
    pub async fn others_beyond(&self, git: &Git) -> Result<Vec<String>> {
        let mut beyond = Vec::new();
        for (_, object) in &self.others {
            let foreign = match &self.tip {
                Some(tip) => !tree::only_ours_since(git, tip, object).await?,
                None => tree::newest_of_ours(git, object).await?.as_ref() != Some(object),
            };
            if foreign {
                beyond.push(object.clone());
            }
        }
        Ok(beyond)
    }

    /// Takes the references away again; what is kept has others.
    pub async fn forget(&self, git: &Git) -> Result<()> {
        for (reference, _) in self.listed(git).await? {
            git.run(&["update-ref", "-d", &reference]).await?;
        }
        Ok(())
    }

    async fn listed(&self, git: &Git) -> Result<Vec<(String, String)>> {
        let listed = git.run(&["for-each-ref", "--format=%(refname) %(objectname)", &self.prefix]).await?;
        let pairs = listed.lines().filter_map(|line| line.split_once(' '));
        Ok(pairs.map(|(reference, object)| (reference.to_owned(), object.to_owned())).collect())
    }
}
