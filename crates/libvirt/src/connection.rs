//! Opens a connection and says where it leads.

use libvirt_protocol::Connection;
use virt::connect::Connect;

use crate::Result;
use crate::error::of;

/// Opens a URI.
pub fn open(uri: &str) -> Result<(Connect, Connection)> {
    let connection = Connect::open(Some(uri)).map_err(of)?;
    let node = connection.get_node_info().map_err(of)?;
    let found = Connection {
        driver: connection.get_type().map_err(of)?,
        hostname: connection.get_hostname().map_err(of)?,
        version: connection.get_lib_version().map_err(of)?,
        cpus: node.cpus,
        // Libvirt counts kibibytes here.
        memory: node.memory * 1024,
        // The test driver does not say.
        hypervisor: connection.get_hyp_version().unwrap_or(0),
        memory_free: connection.get_free_memory().unwrap_or(0),
        capabilities: connection.get_capabilities().map_err(of)?,
    };
    Ok((connection, found))
}
