//! Networks.

use std::ffi::CStr;

use libvirt_protocol::{Answer, Lease, Network};
use virt::connect::Connect;
use virt::error::Error;
use virt::sys;

use crate::Result;
use crate::error::{of, present};

pub fn list(connection: &Connect) -> Result<Vec<Network>> {
    let networks = connection.list_all_networks(0).map_err(of)?;
    present(networks.iter().map(look))
}

fn look(network: &virt::network::Network) -> Result<Network, Error> {
    Ok(Network {
        name: network.get_name()?,
        uuid: network.get_uuid_string()?,
        active: network.is_active()?,
        bridge: network.get_bridge_name().ok(),
        xml: network.get_xml_desc(0)?,
    })
}

fn find(connection: &Connect, name: &str) -> Result<virt::network::Network> {
    virt::network::Network::lookup_by_name(connection, name).map_err(of)
}

pub fn define(connection: &Connect, xml: &str) -> Result<Answer> {
    virt::network::Network::define_xml(connection, xml).map_err(of)?;
    Ok(Answer::Nothing)
}

pub fn start(connection: &Connect, name: &str) -> Result<Answer> {
    find(connection, name)?.create().map_err(of)?;
    Ok(Answer::Nothing)
}

pub fn stop(connection: &Connect, name: &str) -> Result<Answer> {
    find(connection, name)?.destroy().map_err(of)?;
    Ok(Answer::Nothing)
}

pub fn undefine(connection: &Connect, name: &str) -> Result<Answer> {
    find(connection, name)?.undefine().map_err(of)?;
    Ok(Answer::Nothing)
}

/// Adds a static DHCP entry to the definition, and to the server if it runs.
pub fn add_host(connection: &Connect, name: &str, xml: &str) -> Result<Answer> {
    let network = find(connection, name)?;
    let live = if network.is_active().map_err(of)? { sys::VIR_NETWORK_UPDATE_AFFECT_LIVE } else { 0 };
    let flags = live | sys::VIR_NETWORK_UPDATE_AFFECT_CONFIG;
    let (add, hosts) = (sys::VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, sys::VIR_NETWORK_SECTION_IP_DHCP_HOST);
    network.update(add, hosts, -1, xml, flags).map_err(of)?;
    Ok(Answer::Nothing)
}

/// Lists the addresses that the network's DHCP server gave; the `virt` crate does not wrap this.
#[expect(unsafe_code, reason = "a list that libvirt allocates is copied and given back")]
pub fn leases(connection: &Connect, name: &str) -> Result<Vec<Lease>> {
    let network = find(connection, name)?;
    let mut list: *mut sys::virNetworkDHCPLeasePtr = std::ptr::null_mut();
    // SAFETY: the network is alive, and `list` is where libvirt stores the array it allocates.
    let count = unsafe { sys::virNetworkGetDHCPLeases(network.as_ptr(), std::ptr::null(), &raw mut list, 0) };
    let Ok(count) = usize::try_from(count) else { return Err(of(Error::last_error())) };
    let mut leases = Vec::new();
    for index in 0..count {
        // SAFETY: the array has `count` leases, each with strings that end in NUL or are null;
        // each is freed once, after it was copied.
        unsafe {
            let lease = *list.add(index);
            leases.push(Lease {
                mac: text((*lease).mac).unwrap_or_default(),
                address: text((*lease).ipaddr).unwrap_or_default(),
                hostname: text((*lease).hostname),
            });
            sys::virNetworkDHCPLeaseFree(lease);
        }
    }
    // SAFETY: libvirt allocated the array with malloc and leaves it to the caller.
    unsafe { libc::free(list.cast()) };
    Ok(leases)
}

/// Copies a C string.
///
/// # Safety
/// The pointer is null or leads to a string that ends in NUL.
#[expect(unsafe_code, reason = "the caller vouches for the pointer")]
unsafe fn text(pointer: *const libc::c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: as the function demands.
    Some(unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}
