//! A client that believes the planned authority and is the planned administrator.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::failure::{Failure, Result};
use kube::config::AuthInfo;
use kube::{Client, Config};

use crate::identity::Identity;

/// `https://ADDRESS:PORT`, with the brackets that an IPv6 address needs.
pub fn server_url(address: impl Into<std::net::IpAddr>, port: u16) -> String {
    format!("https://{}", std::net::SocketAddr::new(address.into(), port))
}

/// Makes a client; nothing is sent before its first request.
///
/// `server` is the URL of the node's address, or of a tunnel to it: 127.0.0.1 is in the certificate too.
pub fn connect(identity: &Identity, server: &str) -> Result<Client> {
    client(config(identity, server)?)
}

/// The same for whoever wants every answer as it comes: by itself, a client repeats what was answered with 503.
pub fn connect_as_is(identity: &Identity, server: &str) -> Result<Client> {
    let mut config = config(identity, server)?;
    config.default_retry = false;
    client(config)
}

fn client(config: Config) -> Result<Client> {
    Client::try_from(config).map_err(|error| Failure::other("a client of the cluster's API").because(&error))
}

fn config(identity: &Identity, server: &str) -> Result<Config> {
    // Two TLS providers are in reach of the linker; the second installation answers an error that means nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let uri = server.parse().map_err(|_| Failure::other(format!("`{server}` is no URL of an API server")))?;
    let authority = x509_parser::pem::parse_x509_pem(identity.authorities.cluster.certificate.as_bytes())
        .map_err(|error| Failure::invalid("the identity holds a certificate that does not parse").because(&error))?
        .1
        .contents;
    let mut config = Config::new(uri);
    config.root_cert = Some(vec![authority]);
    config.connect_timeout = Some(Duration::from_secs(10));
    // An emulated API server may think for many seconds, but a guest that was reset never answers.
    config.read_timeout = Some(Duration::from_secs(90));
    config.reset_reader_on_write = true;
    config.auth_info = AuthInfo {
        client_certificate_data: Some(STANDARD.encode(&identity.admin.certificate)),
        client_key_data: Some(STANDARD.encode(identity.admin.key.reveal()).into()),
        ..AuthInfo::default()
    };
    Ok(config)
}
