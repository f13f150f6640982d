//! Writes small ISO 9660 images (ECMA-119): one directory, a few files.
//!
//! Names are written as they are, in upper case. `USER-DATA` is not among the names that the standard
//! allows (it has a dash), but Linux reads it, in lower case, and Linux is who reads seeds.

const SECTOR: usize = 2048;

/// The first sixteen sectors belong to the system; then come the volume descriptor and its end.
const DESCRIPTOR: usize = 16;
const END: usize = 17;
/// The path table in both byte orders, then the directory, then the files.
const TABLE_LITTLE: usize = 18;
const TABLE_BIG: usize = 19;
const DIRECTORY: usize = 20;
const FILES: usize = 21;

/// The path table of a volume that has only its root.
const TABLE_LENGTH: u32 = 10;

/// Makes an image with this label and these files.
pub fn image(label: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut image = vec![0; FILES * SECTOR];
    let root = record(&[0], DIRECTORY, SECTOR, true);
    let mut directory = root.clone();
    directory.extend(record(&[1], DIRECTORY, SECTOR, true));
    for (name, content) in files {
        let sector = image.len() / SECTOR;
        let name = format!("{}.;1", name.to_uppercase());
        directory.extend(record(name.as_bytes(), sector, content.len(), false));
        image.extend_from_slice(content);
        image.resize(image.len().next_multiple_of(SECTOR), 0);
    }
    let sectors = image.len() / SECTOR;
    put(&mut image, DESCRIPTOR, &descriptor(label, sectors, &root));
    put(&mut image, END, b"\xffCD001\x01");
    put(&mut image, TABLE_LITTLE, &table(number(DIRECTORY).to_le_bytes(), 1_u16.to_le_bytes()));
    put(&mut image, TABLE_BIG, &table(number(DIRECTORY).to_be_bytes(), 1_u16.to_be_bytes()));
    put(&mut image, DIRECTORY, &directory);
    image
}

fn put(image: &mut [u8], sector: usize, bytes: &[u8]) {
    image[sector * SECTOR..][..bytes.len()].copy_from_slice(bytes);
}

/// Sizes and sectors are 32 bits wide; seeds are a few kilobytes.
fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A number in little endian, then in big endian.
fn both(value: usize) -> [u8; 8] {
    let value = u64::from(number(value));
    ((value.swap_bytes() >> 32 << 32) | value).to_le_bytes()
}

fn both_short(value: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (value.to_le_bytes(), value.to_be_bytes());
    [a, b, c, d]
}

/// A directory record (9.1), without a date.
fn record(name: &[u8], sector: usize, length: usize, directory: bool) -> Vec<u8> {
    let size = (33 + name.len()).next_multiple_of(2);
    let mut record = vec![0; size];
    record[0] = u8::try_from(size).unwrap_or(u8::MAX);
    record[2..10].copy_from_slice(&both(sector));
    record[10..18].copy_from_slice(&both(length));
    record[25] = if directory { 2 } else { 0 };
    record[28..32].copy_from_slice(&both_short(1));
    record[32] = u8::try_from(name.len()).unwrap_or(u8::MAX);
    record[33..33 + name.len()].copy_from_slice(name);
    record
}

/// The path table (9.4) of a volume that has only its root.
fn table(sector: [u8; 4], parent: [u8; 2]) -> Vec<u8> {
    [&[1, 0][..], &sector, &parent, &[0, 0]].concat()
}

/// The primary volume descriptor (8.4).
fn descriptor(label: &str, sectors: usize, root: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; SECTOR];
    bytes[..7].copy_from_slice(b"\x01CD001\x01");
    // Names of the system, the volume, its set, publisher, preparer, application and files.
    for range in [8..72, 190..813] {
        bytes[range].fill(b' ');
    }
    bytes[40..40 + label.len()].copy_from_slice(label.as_bytes());
    bytes[80..88].copy_from_slice(&both(sectors));
    bytes[120..124].copy_from_slice(&both_short(1));
    bytes[124..128].copy_from_slice(&both_short(1));
    bytes[128..132].copy_from_slice(&both_short(2048));
    bytes[132..140].copy_from_slice(&both(TABLE_LENGTH as usize));
    bytes[140..144].copy_from_slice(&number(TABLE_LITTLE).to_le_bytes());
    bytes[148..152].copy_from_slice(&number(TABLE_BIG).to_be_bytes());
    bytes[156..156 + root.len()].copy_from_slice(root);
    // Four dates that are not given.
    for start in [813, 830, 847, 864] {
        bytes[start..start + 16].fill(b'0');
    }
    bytes[881] = 1;
    bytes
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// cloud-init asks blkid for a device with this label; that Linux reads the files is what every boot shows.
    #[test]
    fn another_program_finds_the_label() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("seed.iso");
        std::fs::write(&path, image("cidata", &[("meta-data", b"one\n")])).unwrap();
        let found = Command::new("/sbin/blkid").args(["-p", "-o", "export"]).arg(&path).output().unwrap();
        let text = String::from_utf8_lossy(&found.stdout);
        assert!(text.contains("LABEL=cidata\n") && text.contains("TYPE=iso9660\n"), "{text}");
    }

    #[test]
    fn the_directory_leads_to_the_files() {
        let long = vec![b'x'; 5000];
        let image = image("cidata", &[("meta-data", b"one\n"), ("user-data", &long)]);
        let mut records = &image[DIRECTORY * SECTOR..];
        let mut files = Vec::new();
        while records[0] > 0 {
            let (record, rest) = records.split_at(records[0].into());
            let number = |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().unwrap()) as usize;
            let name = String::from_utf8_lossy(&record[33..33 + usize::from(record[32])]).into_owned();
            files.push((name, image[number(2) * SECTOR..][..number(10)].to_vec()));
            records = rest;
        }
        assert_eq!(files[2], ("META-DATA.;1".to_owned(), b"one\n".to_vec()));
        assert_eq!(files[3], ("USER-DATA.;1".to_owned(), long));
        assert_eq!(files.len(), 4, "the directory itself, its parent, and the files");
    }

    #[test]
    fn numbers_are_in_both_orders() {
        assert_eq!(both(0x0102_0304), [4, 3, 2, 1, 1, 2, 3, 4]);
    }
}
