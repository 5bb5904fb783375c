//! Writing a package: entries one after the other, the directory kept aside until the last of them is known.
//!
//! The same entries give the same octets: no time but that of an entry taken over, no extra fields.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::super::super::job::Refused;
use super::{Method, Package};

/// General purpose bit 11: the name is UTF-8.
const UTF8: u16 = 0x0800;
/// 1 January 1980, 0:00, as MS-DOS writes it.
const NO_TIME: [u8; 4] = [0, 0, 0x21, 0];
/// From this length on a new entry is deflated.
const WORTH_PACKING: usize = 4_096;

/// A package in the making.
#[derive(Default)]
pub(in super::super) struct Writer {
    package: Vec<u8>,
    directory: Vec<u8>,
    entries: u32,
}

/// What both headers of an entry say of it.
struct Header<'a> {
    name: &'a [u8],
    flags: u16,
    method: Method,
    time: [u8; 4],
    crc: u32,
    size: usize,
}

impl Writer {
    /// With room for this many octets.
    pub fn with_capacity(octets: usize) -> Self {
        Self { package: Vec::with_capacity(octets), ..Self::default() }
    }

    /// Takes an entry over as it is packed.
    ///
    /// # Errors
    /// [`Refused::TooLarge`] past four gigabytes.
    pub fn copy(&mut self, from: &Package<'_>, index: usize) -> Result<(), Refused> {
        let gone = || Refused::Malformed("an entry lies outside of the package".to_owned());
        let entry = from.entries.get(index).ok_or_else(gone)?;
        let packed = from.bytes.get(entry.packed.clone()).ok_or_else(gone)?;
        let name = from.bytes.get(entry.raw_name.clone()).ok_or_else(gone)?;
        let (method, time, crc, size) = (entry.method, entry.time, entry.crc, entry.size);
        self.entry(&Header { name, flags: entry.flags & UTF8, method, time, crc, size }, packed)
    }

    /// Adds a file.
    ///
    /// # Errors
    /// [`Refused::TooLarge`] past four gigabytes.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<(), Refused> {
        let (crc, size) = (crc32fast::hash(content), content.len());
        let mut header =
            Header { name: name.as_bytes(), flags: UTF8, method: Method::Stored, time: NO_TIME, crc, size };
        if size < WORTH_PACKING {
            return self.entry(&header, content);
        }
        let mut deflater = DeflateEncoder::new(Vec::with_capacity(size / 2), Compression::new(6));
        let packed = deflater.write_all(content).and_then(|()| deflater.finish());
        match packed {
            Ok(packed) if packed.len() < size => {
                header.method = Method::Deflated;
                self.entry(&header, &packed)
            }
            _ => self.entry(&header, content),
        }
    }

    fn entry(&mut self, header: &Header<'_>, packed: &[u8]) -> Result<(), Refused> {
        let large = || Refused::TooLarge("package".to_owned());
        let narrow = |value: usize| u32::try_from(value).map_err(|_| large());
        let offset = narrow(self.package.len())?;
        let name_length = u16::try_from(header.name.len()).map_err(|_| large())?;
        let mut same = [0; 26];
        let fields: [&[u8]; 8] = [
            &20_u16.to_le_bytes(),
            &header.flags.to_le_bytes(),
            &match header.method {
                Method::Stored => [0, 0],
                Method::Deflated => [8, 0],
            },
            &header.time,
            &header.crc.to_le_bytes(),
            &narrow(packed.len())?.to_le_bytes(),
            &narrow(header.size)?.to_le_bytes(),
            &name_length.to_le_bytes(),
        ];
        for (to, from) in same.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        self.package.extend(b"PK\x03\x04");
        // The last two octets: no extra field.
        self.package.extend(same);
        self.package.extend(header.name);
        self.package.extend(packed);
        self.directory.extend(b"PK\x01\x02\x14\x00");
        self.directory.extend(same);
        // No comment, first disk, no attributes.
        self.directory.extend([0; 10]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(header.name);
        self.entries += 1;
        if self.entries >= u32::from(u16::MAX) {
            return Err(large());
        }
        Ok(())
    }

    /// The entries so far, their directory, and how many they are.
    pub fn parts(self) -> (Vec<u8>, Vec<u8>, u32) {
        (self.package, self.directory, self.entries)
    }

    /// The package with its directory.
    ///
    /// # Errors
    /// [`Refused::TooLarge`] past four gigabytes.
    pub fn finish(self) -> Result<Vec<u8>, Refused> {
        let large = || Refused::TooLarge("package".to_owned());
        let (mut package, directory, entries) = self.parts();
        let count = u16::try_from(entries).map_err(|_| large())?.to_le_bytes();
        let start = u32::try_from(package.len()).map_err(|_| large())?;
        let size = u32::try_from(directory.len()).map_err(|_| large())?;
        package.extend(directory);
        package.extend(b"PK\x05\x06\0\0\0\0");
        package.extend(count);
        package.extend(count);
        package.extend(size.to_le_bytes());
        package.extend(start.to_le_bytes());
        package.extend([0, 0]);
        Ok(package)
    }
}
