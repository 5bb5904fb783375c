//! The package that an OFD document is: a ZIP file, read by its directory and held against its local headers.
//!
//! A ZIP file can be read in two ways, by the directory at its end or from header to header. Where the two differ,
//! two programs see two documents in one file, and a seal verified by one says nothing about what the other shows.
//! So a package must be one document whichever way it is read; where it is not, that is a [`Fault`].
//! Source: APPNOTE.TXT 6.3.10, 4.3 and 4.4; GB/T 33190-2016 7.1.

mod directory;
mod write;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};

use super::super::job::{Limits, Refused};
use super::fault::Fault;

pub(super) use write::Writer;

/// How a part is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// One file of the package.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Its path from the root, `/` between the parts, none in front.
    pub name: String,
    /// The octets of its name in the package.
    raw_name: Range<usize>,
    /// General purpose bits.
    flags: u16,
    method: Method,
    crc: u32,
    /// Where its packed octets are.
    packed: Range<usize>,
    /// How many they are when unpacked.
    size: usize,
    /// Time and date as MS-DOS writes them.
    time: [u8; 4],
}

impl Entry {
    /// Whether it is but the name of a folder.
    pub fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    /// Whether a path in a document can mean it.
    pub fn is_named_in_utf8(&self) -> bool {
        !self.name.contains(|character| ('\u{f700}'..='\u{f7ff}').contains(&character))
    }
}

/// A package whose directory was read. Nothing is unpacked before it is asked for.
pub(super) struct Package<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry>,
    by_name: BTreeMap<String, usize>,
    faults: Vec<Fault>,
    inflater: RefCell<Decompress>,
}

/// An entry does not unpack to what the directory says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

impl<'a> Package<'a> {
    /// Reads the directory.
    ///
    /// # Errors
    /// [`Refused`]: no package, one with a password, or one past the limits.
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, Refused> {
        let (entries, mut faults) = directory::read(bytes, limits)?;
        let mut by_name = BTreeMap::new();
        let mut folded = BTreeMap::new();
        for (index, entry) in entries.iter().enumerate() {
            // Folders hold nothing, and programs that write packages name them twice.
            if entry.is_folder() {
                continue;
            }
            // Unpacked onto a disk that does not tell A from a, one of the two replaces the other.
            let twin = folded.insert(entry.name.to_lowercase(), ());
            if by_name.contains_key(&entry.name) || twin.is_some() {
                faults.push(Fault::duplicate(&entry.name));
            }
            by_name.entry(entry.name.clone()).or_insert(index);
        }
        Ok(Self { bytes, entries, by_name, faults, inflater: RefCell::new(Decompress::new(false)) })
    }

    /// What makes the package more than one document.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Its entries, folders among them, in the order of the directory.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Its files with their numbers.
    pub fn files(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().filter(|(_, entry)| !entry.is_folder())
    }

    /// The number of the file with this path.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The octets of a file.
    ///
    /// # Errors
    /// [`Broken`] if they are not what the directory says.
    pub fn unpack(&self, index: usize) -> Result<Cow<'a, [u8]>, Broken> {
        let entry = self.entries.get(index).ok_or(Broken)?;
        let packed = self.bytes.get(entry.packed.clone()).ok_or(Broken)?;
        let plain = match entry.method {
            Method::Stored => Cow::Borrowed(packed),
            Method::Deflated => Cow::Owned(self.inflate(packed, entry.size)?),
        };
        if plain.len() != entry.size || crc32fast::hash(&plain) != entry.crc {
            return Err(Broken);
        }
        Ok(plain)
    }

    /// The octets of the file with this path; `None` if there is none.
    pub fn read(&self, name: &str) -> Option<Result<Cow<'a, [u8]>, Broken>> {
        self.find(name).map(|index| self.unpack(index))
    }

    fn inflate(&self, packed: &[u8], size: usize) -> Result<Vec<u8>, Broken> {
        // Deflate makes at most 1,032 octets of one, so a size that promises more is a lie; what is promised
        // bounds what is unpacked, and the directory was held to the limits.
        if size > packed.len().saturating_mul(1_032).saturating_add(64) {
            return Err(Broken);
        }
        let mut inflater = self.inflater.borrow_mut();
        inflater.reset(false);
        let mut plain = Vec::with_capacity(size.saturating_add(1));
        let mut rest = packed;
        loop {
            let (before_in, before_out) = (inflater.total_in(), plain.len());
            let status = inflater.decompress_vec(rest, &mut plain, FlushDecompress::Finish).map_err(|_| Broken)?;
            let read = usize::try_from(inflater.total_in() - before_in).map_err(|_| Broken)?;
            rest = rest.get(read..).ok_or(Broken)?;
            match status {
                // Octets behind the end of the stream would be read by nobody and covered by no digest.
                Status::StreamEnd => return if rest.is_empty() { Ok(plain) } else { Err(Broken) },
                _ if plain.len() > size || (read == 0 && plain.len() == before_out) => return Err(Broken),
                _ => {}
            }
        }
    }
}
