//! A connection to libvirt, and what is found there.

use engine::failure::{Failure, Result};
use libvirt_protocol::{Action, Answer, Connection, Domain, Network, Pool, Volume};
use uuid::Uuid;

use super::client::{Client, Trouble};
use super::owner::{self, ClusterFound};

/// An opened connection. Everything that is asked may be asked side by side.
#[derive(Debug)]
pub struct Provider {
    pub(super) client: Client,
    pub uri: String,
    pub connection: Connection,
}

/// An answer of another kind than was asked for.
pub(super) fn confused(answer: &Answer) -> Failure {
    Failure::other("seedbed and seedbed-libvirt do not understand each other")
        .cause(format!("unexpected answer {answer:?}"))
        .hint("Install both executables from one build.")
}

/// Asks for a list of one kind.
macro_rules! list {
    ($self:ident, $action:expr, $variant:ident, $what:expr) => {
        match $self.client.ask($action).await.map_err(|trouble| trouble.failure($what))? {
            Answer::$variant(list) => Ok(list),
            other => Err(confused(&other)),
        }
    };
}

impl Provider {
    /// Opens a connection.
    pub async fn open(uri: &str) -> Result<Self> {
        if uri.ends_with("/session") {
            return Err(Failure::refused(format!("{uri} has no networks of its own"))
                .hint("Use the system's libvirt: `uri: qemu:///system`."));
        }
        let client = Client::start()?;
        let action = Action::Open { uri: uri.to_owned() };
        let answer = client.ask(action).await.map_err(|trouble| trouble.failure(format!("libvirt at {uri}")))?;
        match answer {
            Answer::Connection(connection) => Ok(Self { client, uri: uri.to_owned(), connection }),
            other => Err(confused(&other)),
        }
    }

    /// Does something that has no answer but that it is done.
    pub(super) async fn run(&self, action: Action, what: impl FnOnce() -> String) -> Result<()> {
        self.client.ask(action).await.map(drop).map_err(|trouble| trouble.failure(what()))
    }

    /// Does something; a failure with one of these codes is as good as done.
    pub(super) async fn run_unless(
        &self,
        action: Action,
        fine: &[libvirt_protocol::Code],
        what: impl FnOnce() -> String,
    ) -> Result<bool> {
        match self.client.ask(action).await {
            Ok(_) => Ok(true),
            Err(trouble) if trouble.code().is_some_and(|code| fine.contains(&code)) => Ok(false),
            Err(trouble) => Err(trouble.failure(what())),
        }
    }

    /// Lists all domains, anybody's.
    pub async fn domains(&self) -> Result<Vec<Domain>> {
        list!(self, Action::Domains, Domains, "listing libvirt's domains")
    }

    /// Lists all networks, anybody's.
    pub async fn networks(&self) -> Result<Vec<Network>> {
        list!(self, Action::Networks, Networks, "listing libvirt's networks")
    }

    /// Lists all pools, anybody's.
    pub async fn pools(&self) -> Result<Vec<Pool>> {
        list!(self, Action::Pools, Pools, "listing libvirt's pools")
    }

    /// Lists the volumes of an active pool.
    pub async fn volumes(&self, pool: &str) -> Result<Vec<Volume>> {
        let action = Action::Volumes { pool: pool.to_owned() };
        list!(self, action, Volumes, format!("listing the volumes of pool {pool}"))
    }

    pub(super) async fn create_volume(&self, pool: &str, xml: String) -> Result<Volume, Trouble> {
        match self.client.ask(Action::CreateVolume { pool: pool.to_owned(), xml }).await? {
            Answer::Volume(volume) => Ok(volume),
            other => Err(Trouble::Gone(confused(&other).to_string())),
        }
    }

    /// Lists the clusters that seedbed made here, from the objects' own metadata.
    pub async fn clusters(&self) -> Result<Vec<ClusterFound>> {
        let (networks, domains) = futures::try_join!(self.networks(), self.domains())?;
        let mut clusters: Vec<ClusterFound> = Vec::new();
        for (mark, network) in networks.iter().filter_map(owner::network) {
            entry(&mut clusters, &mark).network = Some(network);
        }
        for (mark, node) in domains.iter().filter_map(owner::machine) {
            entry(&mut clusters, &mark).nodes.push(node);
        }
        for cluster in &mut clusters {
            cluster.nodes.sort_by(|one, other| (one.role, &one.node).cmp(&(other.role, &other.node)));
        }
        Ok(clusters)
    }

    /// Finds the clusters of this name; two are possible, when a state directory was lost.
    pub async fn find(&self, name: &str) -> Result<Vec<ClusterFound>> {
        let mut clusters = self.clusters().await?;
        clusters.retain(|cluster| cluster.name == name);
        Ok(clusters)
    }

    /// Finds the cluster with this id.
    pub async fn cluster(&self, id: Uuid) -> Result<Option<ClusterFound>> {
        Ok(self.clusters().await?.into_iter().find(|cluster| cluster.id == id))
    }
}

fn entry<'a>(clusters: &'a mut Vec<ClusterFound>, mark: &owner::Mark) -> &'a mut ClusterFound {
    let index = clusters.iter().position(|cluster| cluster.id == mark.id).unwrap_or_else(|| {
        let (name, nodes) = (mark.cluster.clone(), Vec::new());
        clusters.push(ClusterFound { id: mark.id, name, file: None, network: None, nodes });
        clusters.len() - 1
    });
    let cluster = &mut clusters[index];
    cluster.file = cluster.file.take().or_else(|| mark.file.clone());
    cluster
}
