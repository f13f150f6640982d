//! SHA-256 of bytes, files and streams, as lower-case hexadecimal digits.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

/// The digest of bytes.
pub fn of_bytes(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// The digest and length of a file.
pub fn of_file(path: &Path) -> io::Result<(String, u64)> {
    let mut file = std::fs::File::open(path)?;
    let mut writer = Hashing::new(io::sink());
    io::copy(&mut file, &mut writer)?;
    let (digest, size, _) = writer.finish();
    Ok((digest, size))
}

/// Writes digits of a hash.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Hashes what is written through it.
pub struct Hashing<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

impl<W> Hashing<W> {
    pub fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), size: 0 }
    }

    /// The digest, the number of bytes, and the inner writer.
    pub fn finish(self) -> (String, u64, W) {
        (hexadecimal(&self.hash.finalize()), self.size, self.inner)
    }
}

impl Hashing<io::Sink> {
    /// Hashes what was there before.
    pub fn absorb(&mut self, reader: &mut impl Read) -> io::Result<u64> {
        io::copy(reader, self)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_known_one() {
        assert_eq!(of_bytes(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn a_stream_has_the_digest_of_its_bytes() {
        let mut writer = Hashing::new(Vec::new());
        writer.write_all(b"ab").unwrap();
        writer.write_all(b"c").unwrap();
        let (digest, size, bytes) = writer.finish();
        assert_eq!((digest, size, bytes), (of_bytes(b"abc"), 3, b"abc".to_vec()));
    }
}
