//! The only part of seedbed that links libvirt.
//!
//! Reads requests as JSON lines on stdin and writes replies as JSON lines on stdout, both as
//! `libvirt-protocol` has them. Ends when stdin does. Start reading at [`serve`].

mod connection;
mod domain;
mod error;
mod network;
mod pool;
mod stream;
mod volume;

use std::io::{BufRead as _, Write as _};
use std::sync::{Arc, Mutex, RwLock};

use libvirt_protocol::{Action, Answer, Body, Code, Error, Reply, Request, Subject};
use virt::connect::Connect;

/// What came of a request.
type Result<T, E = Error> = std::result::Result<T, E>;

/// What all requests share.
#[derive(Default)]
struct Service {
    connection: RwLock<Option<Connect>>,
    /// Keeps the lines of concurrent replies apart.
    output: Mutex<()>,
}

fn main() {
    // Otherwise libvirt prints every error to stderr, over what the reporter draws.
    virt::error::clear_error_callback();
    let service = Arc::new(Service::default());
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        match serde_json::from_str::<Request>(&line) {
            Ok(request) => {
                let service = Arc::clone(&service);
                // libvirt's connections may be used by several threads, and each keeps its own last error.
                std::thread::spawn(move || service.serve(request));
            }
            Err(error) => {
                let message = format!("this is no request: {error}");
                service.reply(0, Body::Failed(error::own(Code::Invalid, message)));
            }
        }
    }
    // What still runs belongs to an asker that has gone.
    std::process::exit(0);
}

impl Service {
    fn serve(&self, Request { id, action }: Request) {
        let body = match self.perform(id, action) {
            Ok(answer) => Body::Done(answer),
            Err(error) => Body::Failed(error),
        };
        self.reply(id, body);
    }

    fn reply(&self, id: u64, body: Body) {
        let Ok(mut line) = serde_json::to_vec(&Reply { id, body }) else { return };
        line.push(b'\n');
        let _guard = self.output.lock();
        let mut output = std::io::stdout().lock();
        if output.write_all(&line).and_then(|()| output.flush()).is_err() {
            std::process::exit(0);
        }
    }

    fn connection(&self) -> Result<Connect> {
        let connection = self.connection.read().map_err(|_| error::own(Code::Other, "a request panicked"))?;
        connection.clone().ok_or_else(|| error::own(Code::Invalid, "no connection is open"))
    }

    fn perform(&self, id: u64, action: Action) -> Result<Answer> {
        if let Action::Open { uri } = &action {
            let (connection, found) = connection::open(uri)?;
            if let Ok(mut slot) = self.connection.write() {
                *slot = Some(connection);
            }
            return Ok(Answer::Connection(found));
        }
        let connection = &self.connection()?;
        let progress = |done, total| self.reply(id, Body::Progress { done, total });
        match action {
            Action::Open { .. } => Ok(Answer::Nothing),
            Action::Domains => domain::list(connection).map(Answer::Domains),
            Action::Networks => network::list(connection).map(Answer::Networks),
            Action::Pools => pool::list(connection).map(Answer::Pools),
            Action::Volumes { pool } => volume::list(connection, &pool).map(Answer::Volumes),
            Action::Leases { network } => network::leases(connection, &network).map(Answer::Leases),
            Action::Define { subject: Subject::Domain, xml } => domain::define(connection, &xml),
            Action::Define { subject: Subject::Network, xml } => network::define(connection, &xml),
            Action::Define { subject: Subject::Pool, xml } => pool::define(connection, &xml),
            Action::Start { subject: Subject::Domain, name } => domain::start(connection, &name),
            Action::Start { subject: Subject::Network, name } => network::start(connection, &name),
            Action::Start { subject: Subject::Pool, name } => pool::start(connection, &name),
            Action::Stop { subject: Subject::Domain, name } => domain::stop(connection, &name),
            Action::Stop { subject: Subject::Network, name } => network::stop(connection, &name),
            Action::Stop { subject: Subject::Pool, name } => pool::stop(connection, &name),
            Action::Undefine { subject: Subject::Domain, name } => domain::undefine(connection, &name),
            Action::Undefine { subject: Subject::Network, name } => network::undefine(connection, &name),
            Action::Undefine { subject: Subject::Pool, name } => pool::undefine(connection, &name),
            Action::BuildPool { name } => pool::build(connection, &name),
            Action::DeletePool { name } => pool::delete(connection, &name),
            Action::CreateVolume { pool, xml } => volume::create(connection, &pool, &xml).map(Answer::Volume),
            Action::Upload { pool, volume, file } => volume::upload(connection, &pool, &volume, &file, progress),
            Action::Write { pool, volume, content } => volume::write(connection, &pool, &volume, &content),
            Action::Tail { pool, volume, bytes } => {
                volume::tail(connection, &pool, &volume, bytes).map(Answer::Content)
            }
            Action::DeleteVolume { pool, volume } => volume::delete(connection, &pool, &volume),
            Action::AddHost { network, xml } => network::add_host(connection, &network, &xml),
            Action::DetachDevice { domain, xml } => domain::detach(connection, &domain, &xml),
        }
    }
}
