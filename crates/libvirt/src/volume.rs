//! Storage volumes.

use std::fs::File;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use libvirt_protocol::{Answer, Code, Volume};
use virt::connect::Connect;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::stream::Stream;
use virt::sys;

use crate::error::{of, own, present};
use crate::{Result, pool, stream};

pub fn list(connection: &Connect, name: &str) -> Result<Vec<Volume>> {
    let pool = pool::find(connection, name)?;
    refresh(&pool)?;
    let volumes = pool.list_all_volumes(0).map_err(of)?;
    present(volumes.iter().map(look))
}

/// Looks at the directory: console logs appear and grow there without libvirt's knowing.
fn refresh(pool: &StoragePool) -> Result<()> {
    match pool.refresh(0).map_err(of) {
        // A volume is being made; then what libvirt knows must do.
        Err(error) if error.code == Code::Busy => Ok(()),
        other => other.map(drop),
    }
}

fn look(volume: &StorageVol) -> Result<Volume, virt::error::Error> {
    let info = volume.get_info()?;
    Ok(Volume {
        name: volume.get_name()?,
        path: volume.get_path()?,
        capacity: info.capacity,
        allocation: info.allocation,
    })
}

fn find(connection: &Connect, pool: &str, volume: &str) -> Result<StorageVol> {
    StorageVol::lookup_by_name(&pool::find(connection, pool)?, volume).map_err(of)
}

pub fn create(connection: &Connect, pool: &str, xml: &str) -> Result<Volume> {
    let volume = StorageVol::create_xml(&pool::find(connection, pool)?, xml, 0).map_err(of)?;
    look(&volume).map_err(of)
}

pub fn delete(connection: &Connect, pool: &str, volume: &str) -> Result<Answer> {
    find(connection, pool, volume)?.delete(0).map_err(of)?;
    Ok(Answer::Nothing)
}

/// Sends a local file, its holes as holes where the driver can.
pub fn upload(
    connection: &Connect,
    pool: &str,
    volume: &str,
    path: &Path,
    progress: impl FnMut(u64, u64),
) -> Result<Answer> {
    let volume = find(connection, pool, volume)?;
    let unreadable = |error| own(Code::File, format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let stream = Stream::new(connection, 0).map_err(of)?;
    let sparse = volume.upload(&stream, 0, length, sys::VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM).is_ok();
    if !sparse {
        volume.upload(&stream, 0, length, 0).map_err(of)?;
    }
    finish(stream, |stream| {
        stream::send_file(stream, &file, length, sparse, progress).map_err(|error| error.named(path))
    })
}

/// Sends bytes.
pub fn write(connection: &Connect, pool: &str, volume: &str, content: &str) -> Result<Answer> {
    let content = BASE64_STANDARD.decode(content).map_err(|error| own(Code::Invalid, format!("no base64: {error}")))?;
    let volume = find(connection, pool, volume)?;
    let stream = Stream::new(connection, 0).map_err(of)?;
    volume.upload(&stream, 0, content.len() as u64, 0).map_err(of)?;
    finish(stream, |stream| stream::send(stream, &content).map_err(of))
}

/// Returns the last bytes in base64.
pub fn tail(connection: &Connect, name: &str, volume: &str, bytes: u64) -> Result<String> {
    refresh(&pool::find(connection, name)?)?;
    let volume = find(connection, name, volume)?;
    let size = volume.get_info().map_err(of)?.capacity;
    let length = size.min(bytes);
    let mut content = Vec::new();
    if length > 0 {
        let stream = Stream::new(connection, 0).map_err(of)?;
        volume.download(&stream, size - length, length, 0).map_err(of)?;
        finish(stream, |stream| stream::receive(stream, &mut content).map_err(of))?;
    }
    Ok(BASE64_STANDARD.encode(content))
}

/// Uses a stream, and ends it well or aborts it.
fn finish(stream: Stream, work: impl FnOnce(&Stream) -> Result<()>) -> Result<Answer> {
    match work(&stream) {
        Ok(()) => stream.finish().map_err(of).map(|()| Answer::Nothing),
        Err(error) => {
            // The first error is the cause; what aborting adds is not.
            let _ = stream.abort();
            Err(error)
        }
    }
}
