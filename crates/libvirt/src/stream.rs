//! Moves bytes through libvirt's streams.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use libvirt_protocol::Code;
use virt::error::Error;
use virt::stream::Stream;
use virt::sys;

use crate::error::{of, own};

/// What one message of libvirt's protocol carries, and so the most that one call sends.
const CHUNK: usize = 256 * 1024;

/// How many bytes pass between two lines of progress.
const STRIDE: u64 = 16 << 20;

/// Either side of a transfer may fail.
pub enum Fault {
    File(io::Error),
    Stream(Error),
}

impl Fault {
    /// The error to answer, with the file's name.
    pub fn named(self, path: &Path) -> libvirt_protocol::Error {
        match self {
            Self::File(error) => own(Code::File, format!("{}: {error}", path.display())),
            Self::Stream(error) => of(error),
        }
    }
}

pub fn send(stream: &Stream, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        let sent = stream.send(bytes)?;
        bytes = &bytes[sent..];
    }
    Ok(())
}

pub fn receive(stream: &Stream, content: &mut Vec<u8>) -> Result<(), Error> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match stream.recv(&mut buffer)? {
            0 => return Ok(()),
            count => content.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Sends a file; where `sparse`, its holes are announced and not sent.
pub fn send_file(
    stream: &Stream,
    file: &File,
    length: u64,
    sparse: bool,
    mut progress: impl FnMut(u64, u64),
) -> Result<(), Fault> {
    let mut buffer = vec![0; CHUNK];
    let (mut at, mut told) = (0, 0);
    while at < length {
        let data = if sparse { seek(file, at, libc::SEEK_DATA, length).map_err(Fault::File)? } else { at };
        if data > at {
            send_hole(stream, data - at).map_err(Fault::Stream)?;
            at = data;
        }
        let end =
            if sparse && at < length { seek(file, at, libc::SEEK_HOLE, length).map_err(Fault::File)? } else { length };
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
            file.read_exact_at(&mut buffer[..wanted], at).map_err(Fault::File)?;
            send(stream, &buffer[..wanted]).map_err(Fault::Stream)?;
            at += wanted as u64;
            if at - told >= STRIDE {
                told = at;
                progress(at, length);
            }
        }
    }
    progress(length, length);
    Ok(())
}

/// Finds the next data or hole from a position; the end of the file where there is none.
#[expect(unsafe_code, reason = "no safe call seeks for holes")]
fn seek(file: &File, from: u64, whence: i32, length: u64) -> io::Result<u64> {
    let start = libc::off_t::try_from(from).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open as long as `file` is borrowed.
    let found = unsafe { libc::lseek(file.as_raw_fd(), start, whence) };
    if let Ok(found) = u64::try_from(found) {
        return Ok(found.min(length));
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        // No data up to the end.
        Some(libc::ENXIO) => Ok(length),
        _ => Err(error),
    }
}

/// Announces a hole; the `virt` crate does not wrap this.
#[expect(unsafe_code, reason = "one call on a stream that is alive")]
fn send_hole(stream: &Stream, length: u64) -> Result<(), Error> {
    let length = libc::c_longlong::try_from(length).unwrap_or(libc::c_longlong::MAX);
    // SAFETY: the stream is alive as long as it is borrowed.
    if unsafe { sys::virStreamSendHole(stream.as_ptr(), length, 0) } < 0 {
        return Err(Error::last_error());
    }
    Ok(())
}
