//! Storage pools.

use libvirt_protocol::{Answer, Pool};
use virt::connect::Connect;
use virt::storage_pool::StoragePool;

use crate::Result;
use crate::error::{of, present};

pub fn list(connection: &Connect) -> Result<Vec<Pool>> {
    let pools = connection.list_all_storage_pools(0).map_err(of)?;
    present(pools.iter().map(look))
}

fn look(pool: &StoragePool) -> Result<Pool, virt::error::Error> {
    let info = pool.get_info()?;
    let active = pool.is_active()?;
    Ok(Pool {
        name: pool.get_name()?,
        uuid: pool.get_uuid_string()?,
        active,
        capacity: if active { info.capacity } else { 0 },
        available: if active { info.available } else { 0 },
        xml: pool.get_xml_desc(0)?,
    })
}

pub fn find(connection: &Connect, name: &str) -> Result<StoragePool> {
    StoragePool::lookup_by_name(connection, name).map_err(of)
}

pub fn define(connection: &Connect, xml: &str) -> Result<Answer> {
    StoragePool::define_xml(connection, xml, 0).map_err(of)?;
    Ok(Answer::Nothing)
}

pub fn start(connection: &Connect, name: &str) -> Result<Answer> {
    find(connection, name)?.create(0).map_err(of)?;
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

pub fn build(connection: &Connect, name: &str) -> Result<Answer> {
    find(connection, name)?.build(0).map_err(of)?;
    Ok(Answer::Nothing)
}

pub fn delete(connection: &Connect, name: &str) -> Result<Answer> {
    find(connection, name)?.delete(0).map_err(of)?;
    Ok(Answer::Nothing)
}
