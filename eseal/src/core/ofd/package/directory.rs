//! Reading the directory of a package and holding every entry against its local header.

use std::ops::Range;

use super::super::super::job::{Limits, Refused};
use super::super::fault::Fault;
use super::{Entry, Method};

/// Length of the record at the end without its comment.
const END: usize = 22;
/// General purpose bit 0: the entry asks for a password.
const ENCRYPTED: u16 = 1;
/// General purpose bit 3: sizes and CRC follow the data.
const DESCRIPTOR: u16 = 8;

fn malformed(what: &str) -> Refused {
    Refused::Malformed(format!("the package does not read: {what}"))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}

fn size_at(bytes: &[u8], at: usize) -> Option<usize> {
    u32_at(bytes, at).and_then(|value| usize::try_from(value).ok())
}

/// Where the directory is, and how many entries it should have.
struct End {
    directory: Range<usize>,
    entries: usize,
}

/// The record at the end: the last one whose comment reaches exactly to the end of the file.
fn end(bytes: &[u8]) -> Option<(usize, End)> {
    let last = bytes.len().checked_sub(END)?;
    let at = (last.saturating_sub(usize::from(u16::MAX))..=last).rev().find(|at| {
        bytes.get(*at..).is_some_and(|rest| rest.starts_with(b"PK\x05\x06"))
            && u16_at(bytes, at + 20).is_some_and(|comment| at + END + usize::from(comment) == bytes.len())
    })?;
    let (entries, length, start) = (u16_at(bytes, at + 10)?, u32_at(bytes, at + 12)?, u32_at(bytes, at + 16)?);
    let here = End {
        directory: usize::try_from(start).ok()?
            ..usize::try_from(start).ok()?.checked_add(usize::try_from(length).ok()?)?,
        entries: usize::from(entries),
    };
    let large = entries == u16::MAX || length == u32::MAX || start == u32::MAX;
    let locator = at.checked_sub(20).filter(|at| bytes.get(*at..).is_some_and(|rest| rest.starts_with(b"PK\x06\x07")));
    let Some(locator) = locator else { return Some((at, here)) };
    if !large {
        return Some((at, here));
    }
    let record = usize::try_from(u64_at(bytes, locator + 8)?).ok()?;
    if record.checked_add(56)? != locator || !bytes.get(record..)?.starts_with(b"PK\x06\x06") {
        return None;
    }
    let wide = |at| usize::try_from(u64_at(bytes, at)?).ok();
    let (entries, length, start) = (wide(record + 32)?, wide(record + 40)?, wide(record + 48)?);
    Some((record, End { directory: start..start.checked_add(length)?, entries }))
}

/// Sizes and offset from the field of a ZIP64 entry, where the plain fields are full.
fn widen(extra: &[u8], values: &mut [u64; 3]) -> Option<()> {
    let mut at = 0;
    while at < extra.len() {
        let (id, length) = (u16_at(extra, at)?, usize::from(u16_at(extra, at + 2)?));
        let field = extra.get(at + 4..at + 4 + length)?;
        if id == 1 {
            let mut next = 0;
            for value in values.iter_mut().filter(|value| **value == u64::from(u32::MAX)) {
                *value = u64_at(field, next)?;
                next += 8;
            }
        }
        at += 4 + length;
    }
    Some(())
}

/// An entry and where its local header begins.
struct Listed {
    entry: Entry,
    offset: usize,
}

/// The next entry of the directory and how long its record is.
fn listed(bytes: &[u8], at: usize) -> Option<(Result<Listed, Refused>, usize)> {
    if !bytes.get(at..)?.starts_with(b"PK\x01\x02") {
        return None;
    }
    let lengths = [u16_at(bytes, at + 28)?, u16_at(bytes, at + 30)?, u16_at(bytes, at + 32)?].map(usize::from);
    let name_at = at + 46;
    let raw_name = name_at..name_at + lengths[0];
    let extra = bytes.get(raw_name.end..raw_name.end + lengths[1])?;
    let length = 46 + lengths.iter().sum::<usize>();
    let mut values = [u32_at(bytes, at + 24)?, u32_at(bytes, at + 20)?, u32_at(bytes, at + 42)?].map(u64::from);
    widen(extra, &mut values)?;
    let [size, packed, offset] = values.map(|value| usize::try_from(value).ok());
    let (size, packed, offset) = (size?, packed?, offset?);
    let flags = u16_at(bytes, at + 8)?;
    let method = match u16_at(bytes, at + 10)? {
        _ if flags & ENCRYPTED != 0 => return Some((Err(Refused::Encrypted), length)),
        0 => Method::Stored,
        8 => Method::Deflated,
        other => return Some((Err(malformed(&format!("method {other} of packing"))), length)),
    };
    let entry = Entry {
        name: name(bytes.get(raw_name.clone())?),
        raw_name,
        flags,
        method,
        crc: u32_at(bytes, at + 16)?,
        // Begins where the local header says; set when that is read.
        packed: 0..packed,
        size,
        time: bytes.get(at + 12..at + 16)?.try_into().ok()?,
    };
    Some((Ok(Listed { entry, offset }), length))
}

/// A name as paths in documents are compared: no `/` in front, `/` for `\`. Octets that are not UTF-8 become
/// private characters, so that no path in a document can mean them and no two become one.
fn name(raw: &[u8]) -> String {
    let mut text: String = match std::str::from_utf8(raw) {
        Ok(text) => text.replace('\\', "/"),
        Err(_) => raw
            .iter()
            .map(|octet| {
                if octet.is_ascii() {
                    char::from(*octet)
                } else {
                    char::from_u32(0xf700 + u32::from(*octet)).unwrap_or('?')
                }
            })
            .collect(),
    };
    while let Some(rest) = text.strip_prefix("./").or_else(|| text.strip_prefix('/')) {
        text = rest.to_owned();
    }
    text
}

/// The entries of a package and what is wrong with it.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<(Vec<Entry>, Vec<Fault>), Refused> {
    let (end_at, end) = end(bytes).ok_or_else(|| malformed("it has no directory"))?;
    if end.entries > limits.entries {
        return Err(Refused::TooLarge("entries".to_owned()));
    }
    if end.directory.end > end_at {
        return Err(malformed("its directory is cut off"));
    }
    let mut faults = Vec::new();
    if end.directory.end != end_at {
        faults.push(Fault::hidden());
    }
    let (mut at, mut all, mut unpacked) = (end.directory.start, Vec::new(), 0_usize);
    while at < end.directory.end {
        let (found, length) = listed(bytes, at).ok_or_else(|| malformed("an entry of the directory is broken"))?;
        let found = found?;
        unpacked = unpacked.saturating_add(found.entry.size);
        if unpacked > limits.unpacked {
            return Err(Refused::TooLarge("unpacked".to_owned()));
        }
        all.push(found);
        if all.len() > limits.entries {
            return Err(Refused::TooLarge("entries".to_owned()));
        }
        at += length;
    }
    if at != end.directory.end || all.len() != end.entries {
        return Err(malformed("its directory does not add up"));
    }
    let local = locate(bytes, &mut all, &mut faults)?;
    tile(bytes, local, end.directory.start, &mut faults)?;
    let entries: Vec<Entry> = all.into_iter().map(|found| found.entry).collect();
    for entry in &entries {
        if entry.name.split('/').any(|part| part == "..") || entry.name.contains('\0') || entry.name.is_empty() {
            faults.push(Fault::outside(&entry.name));
        }
        if entry.is_folder() && entry.size > 0 {
            faults.push(Fault::hidden());
        }
    }
    Ok((entries, faults))
}

/// What an entry takes up: from its header to the end of its data, and its CRC if a descriptor follows.
struct Taken {
    whole: Range<usize>,
    descriptor: Option<u32>,
}

/// Finds the data of every entry and compares its local header with the directory.
fn locate(bytes: &[u8], all: &mut [Listed], faults: &mut Vec<Fault>) -> Result<Vec<Taken>, Refused> {
    let mut taken = Vec::with_capacity(all.len());
    for Listed { entry, offset } in all {
        let at = *offset;
        let place = || -> Option<(Range<usize>, bool)> {
            if !bytes.get(at..)?.starts_with(b"PK\x03\x04") {
                return None;
            }
            let (name_length, extra) = (usize::from(u16_at(bytes, at + 26)?), usize::from(u16_at(bytes, at + 28)?));
            let start = at + 30 + name_length + extra;
            let packed = start..start.checked_add(entry.packed.len())?;
            bytes.get(packed.clone())?;
            let (flags, method) = (u16_at(bytes, at + 6)?, u16_at(bytes, at + 8)?);
            let crc = u32_at(bytes, at + 14)?;
            let (packed_size, size) = (size_at(bytes, at + 18)?, size_at(bytes, at + 22)?);
            let full = u32::MAX as usize;
            let later = flags & DESCRIPTOR != 0;
            let same = bytes.get(at + 30..at + 30 + name_length) == bytes.get(entry.raw_name.clone())
                && method
                    == match entry.method {
                        Method::Stored => 0,
                        Method::Deflated => 8,
                    }
                && flags & (ENCRYPTED | DESCRIPTOR) == entry.flags & (ENCRYPTED | DESCRIPTOR)
                && (crc == entry.crc || later && crc == 0)
                && (packed_size == packed.len() || packed_size == full || later && packed_size == 0)
                && (size == entry.size || size == full || later && size == 0);
            Some((packed, same))
        };
        let (packed, same) = place().ok_or_else(|| malformed("an entry lies outside of it"))?;
        if !same {
            faults.push(Fault::headers_differ(&entry.name));
        }
        let descriptor = (entry.flags & DESCRIPTOR != 0).then_some(entry.crc);
        taken.push(Taken { whole: at..packed.end, descriptor });
        entry.packed = packed;
    }
    taken.sort_by_key(|taken| taken.whole.start);
    Ok(taken)
}

/// Whether these octets are the descriptor of an entry with this CRC.
fn is_descriptor(gap: &[u8], crc: u32) -> bool {
    let (signed, rest) = match gap.strip_prefix(b"PK\x07\x08") {
        Some(rest) => (true, rest),
        None => (false, gap),
    };
    (u32_at(rest, 0) == Some(crc) && matches!(rest.len(), 12 | 20))
        || (signed && u32_at(gap, 0) == Some(crc) && matches!(gap.len(), 12 | 20))
}

/// Entries must follow one another without a gap, from the first octet to the directory: what lies in a gap is read
/// only by those who do not read the directory. Entries that overlap are how small files become huge ones.
fn tile(bytes: &[u8], taken: Vec<Taken>, directory: usize, faults: &mut Vec<Fault>) -> Result<(), Refused> {
    let mut reached = 0;
    let mut descriptor = None;
    let ends = Taken { whole: directory..directory, descriptor: None };
    for next in taken.into_iter().chain([ends]) {
        let gap = bytes.get(reached..next.whole.start).ok_or_else(|| malformed("entries overlap"))?;
        if !gap.is_empty() && !descriptor.is_some_and(|crc| is_descriptor(gap, crc)) {
            faults.push(Fault::hidden());
        }
        (reached, descriptor) = (next.whole.end, next.descriptor);
    }
    Ok(())
}
