//! `seedbed image`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engine::event::Step;
use engine::failure::{Failure, Result};

use super::output::Output;
use super::{Context, Ending, Global, Run, put, spec_argument};
use crate::registry::{self, Archive, Image, Name, Pushed, Registry};
use crate::spec::{self, Cluster, human};
use crate::state::State;
use crate::up::Known;

/// Work with the images of the cluster's own registry
///
/// The spec asks for one by `registry: embedded`.
#[derive(Debug, Args)]
pub struct Images {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Push(Push),
}

/// Push an image to the cluster's registry, from an archive or from docker
///
/// Sends what the registry lacks, over HTTPS, checked against the cluster's own authority. What is an image archive: an
/// OCI layout (a tar file, gzipped or not, or a directory) and what `docker save` writes. Anything else is the name of
/// an image that docker or podman have here. Of an image for several platforms, the one for linux/amd64 is sent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedbed image push sample.tar                    under the name that the archive has
  seedbed image push build/oci team/sample:1.4.0   an OCI layout, under this one
  docker build -t sample:1.4.0 . && seedbed image push sample:1.4.0
  seedbed image push sample.tar -o json | jq -r .digest

Exit codes: 0 it is there, 3 there is no such image or the spec asks for no registry, 4 no such cluster was made,
130 interrupted, 1 anything else: the registry is down, or full.")]
struct Push {
    /// A file or directory, or the name of an image of docker
    #[arg(value_name = "ARCHIVE|DOCKER-IMAGE")]
    image: String,

    /// What the registry calls it; the image's own name where none is given
    #[arg(value_name = "NAME:TAG")]
    name: Option<String>,

    /// The cluster spec; of a directory, the `seedbed.yaml` in it
    #[arg(short, long, value_name = "SPEC", default_value = "seedbed.yaml")]
    spec: PathBuf,

    /// What is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

impl Images {
    pub fn run(&self, global: &Global) -> Ending {
        match &self.action {
            Action::Push(push) => push.run(global),
        }
    }
}

impl Push {
    fn run(&self, global: &Global) -> Ending {
        let cluster = spec::load_alone(spec_argument::of(&self.spec))?;
        let state = State::of(&cluster);
        let run = Run { name: "image push", subject: cluster.name.clone(), journal: None, summary: false };
        let pushed = super::run(global, &run, async |context: &Context| {
            // The registry forgets what was only begun.
            context.unless_interrupted(Box::pin(self.push(&cluster, &state, &context.step))).await
        })?;
        put(&self.output.of(&pushed, text));
        Ok(0)
    }

    async fn push(&self, cluster: &Cluster, state: &State, step: &Step) -> Result<Pushed, Vec<Failure>> {
        let one = |failure| vec![failure];
        if cluster.registry.is_none() {
            let failure = Failure::invalid(format!("{} asks for no registry", cluster.file.display()));
            return Err(vec![
                failure.hint("Write `registry: embedded` into it, and make the cluster anew: `seedbed rebuild`."),
            ]);
        }
        let path = Path::new(&self.image);
        let saved = if path.exists() { None } else { Some(registry::save(&self.image).await.map_err(one)?) };
        let archive = Archive::open(saved.as_ref().map_or(path, |saved| saved.path())).map_err(one)?;
        let wanted = if saved.is_some() { Some(self.image.as_str()) } else { self.name.as_deref() };
        let image = Image::read(&archive, wanted).map_err(one)?;
        let own = image.name.as_deref().or(saved.as_ref().map(|_| self.image.as_str()));
        let name = Name::choose(self.name.as_deref(), own).map_err(one)?;
        let Known { identity, plan, .. } = Known::made(cluster, state, step).await?;
        let Some(plan) = &plan.registry else {
            return Err(vec![Failure::other("the plan has no registry")]);
        };
        let registry = Registry::new(&plan.name, identity.registry().map_err(one)?).map_err(one)?;
        registry::push(&registry, &image, &name, step).await.map_err(one)
    }
}

fn text(pushed: &Pushed) -> String {
    let blobs = pushed.uploaded + pushed.present;
    let sent = match (pushed.uploaded, pushed.unchanged) {
        (0, true) => "nothing: it was there".to_owned(),
        (0, false) => "the name only: its content was there".to_owned(),
        (uploaded, _) => format!("{uploaded} of {blobs} blobs, {}", human(pushed.bytes)),
    };
    format!("image   {}\ndigest  {}\nsent    {sent}\n", pushed.image, pushed.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_told() {
        let mut pushed = Pushed {
            image: "10.77.1.10:5000/team/sample:1.4.0".into(),
            digest: "sha256:0123".into(),
            uploaded: 2,
            present: 1,
            bytes: 3 << 20,
            unchanged: false,
        };
        insta::assert_snapshot!(text(&pushed), @"
        image   10.77.1.10:5000/team/sample:1.4.0
        digest  sha256:0123
        sent    2 of 3 blobs, 3MiB
        ");
        (pushed.uploaded, pushed.present, pushed.bytes) = (0, 3, 0);
        assert!(text(&pushed).ends_with("sent    the name only: its content was there\n"));
        pushed.unchanged = true;
        assert!(text(&pushed).ends_with("sent    nothing: it was there\n"));
    }
}
