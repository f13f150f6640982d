//! Domains.

use libvirt_protocol::{Answer, Domain, DomainState};
use virt::connect::Connect;
use virt::sys;

use crate::Result;
use crate::error::{of, present};

pub fn list(connection: &Connect) -> Result<Vec<Domain>> {
    let domains = connection.list_all_domains(0).map_err(of)?;
    present(domains.iter().map(look))
}

fn look(domain: &virt::domain::Domain) -> Result<Domain, virt::error::Error> {
    Ok(Domain {
        name: domain.get_name()?,
        uuid: domain.get_uuid_string()?,
        state: state(domain.get_state()?.0),
        xml: domain.get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE)?,
    })
}

fn state(state: sys::virDomainState) -> DomainState {
    match state {
        sys::VIR_DOMAIN_RUNNING | sys::VIR_DOMAIN_BLOCKED => DomainState::Running,
        sys::VIR_DOMAIN_PAUSED | sys::VIR_DOMAIN_PMSUSPENDED => DomainState::Paused,
        sys::VIR_DOMAIN_SHUTDOWN => DomainState::ShuttingDown,
        sys::VIR_DOMAIN_SHUTOFF => DomainState::Off,
        sys::VIR_DOMAIN_CRASHED => DomainState::Crashed,
        _ => DomainState::Unknown,
    }
}

fn find(connection: &Connect, name: &str) -> Result<virt::domain::Domain> {
    virt::domain::Domain::lookup_by_name(connection, name).map_err(of)
}

pub fn define(connection: &Connect, xml: &str) -> Result<Answer> {
    virt::domain::Domain::define_xml(connection, xml).map_err(of)?;
    Ok(Answer::Nothing)
}

pub fn start(connection: &Connect, name: &str) -> Result<Answer> {
    find(connection, name)?.create().map_err(of)?;
    Ok(Answer::Nothing)
}

/// Ends a domain as a power cut does.
pub fn stop(connection: &Connect, name: &str) -> Result<Answer> {
    find(connection, name)?.destroy().map_err(of)?;
    Ok(Answer::Nothing)
}

/// Forgets a domain, and a saved state with it.
pub fn undefine(connection: &Connect, name: &str) -> Result<Answer> {
    let domain = find(connection, name)?;
    let flags = sys::VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | sys::VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        | sys::VIR_DOMAIN_UNDEFINE_NVRAM;
    // Not every driver knows the flags.
    domain.undefine_flags(flags).or_else(|_| domain.undefine()).map_err(of)?;
    Ok(Answer::Nothing)
}

/// Takes a device out of the definition, and out of the guest if it runs.
pub fn detach(connection: &Connect, name: &str, xml: &str) -> Result<Answer> {
    let domain = find(connection, name)?;
    if domain.is_active().map_err(of)? {
        domain.detach_device_flags(xml, sys::VIR_DOMAIN_AFFECT_LIVE).map_err(of)?;
    }
    domain.detach_device_flags(xml, sys::VIR_DOMAIN_AFFECT_CONFIG).map_err(of)?;
    Ok(Answer::Nothing)
}
