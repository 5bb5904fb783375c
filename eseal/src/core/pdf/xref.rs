//! Cross-reference sections: where the objects of one revision lie (ISO 32000-1 7.5.4, 7.5.8).

use super::file::{Stored, bad, indirect};
use super::filter::unpack;
use super::object::{Dict, Object, Parser, is_space};
use crate::core::job::{Limits, Refused};

/// Where an object lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Nowhere.
    Free,
    /// At an offset of the file.
    At {
        /// From the file's first octet.
        offset: usize,
        /// Its generation.
        generation: u16,
    },
    /// In an object stream.
    In {
        /// The number of that stream.
        stream: u32,
        /// The how-manieth object in it, from 0.
        index: u32,
    },
}

/// One section.
#[derive(Debug)]
pub struct Section {
    /// Where it starts.
    pub offset: usize,
    /// After its last octet.
    pub end: usize,
    /// By object number.
    entries: Vec<(u32, Entry)>,
    /// Its trailer.
    pub trailer: Dict,
    /// Whether it is a stream.
    pub is_stream: bool,
}

impl Section {
    /// Reads the section at `offset`.
    pub fn read(bytes: &[u8], offset: usize, limits: &Limits, budget: usize) -> Result<Self, Refused> {
        let mut parser = Parser::new(bytes, offset, limits.depth);
        if parser.keyword(b"xref") {
            Self::table(bytes, offset, parser, budget)
        } else {
            Self::stream(bytes, offset, limits, budget)
        }
    }

    fn table(bytes: &[u8], offset: usize, mut parser: Parser<'_>, budget: usize) -> Result<Self, Refused> {
        let broken = || bad("a cross-reference table does not read");
        let mut entries = Vec::new();
        while !parser.keyword(b"trailer") {
            let mut first = parser.number().and_then(|n| u32::try_from(n).ok()).ok_or_else(broken)?;
            let count = parser.number().and_then(|n| usize::try_from(n).ok()).ok_or_else(broken)?;
            if entries.len().saturating_add(count) > budget {
                return Err(Refused::TooLarge("objects".to_owned()));
            }
            for index in 0..count {
                let place = parser.number().and_then(|n| usize::try_from(n).ok()).ok_or_else(broken)?;
                let generation = parser.number().ok_or_else(broken)?;
                let entry = if parser.keyword(b"n") {
                    let generation = u16::try_from(generation).map_err(|_| broken())?;
                    // Some writers mark what is not there as in use at 0.
                    if place == 0 { Entry::Free } else { Entry::At { offset: place, generation } }
                } else if parser.keyword(b"f") {
                    // Some writers number their only section from 1, with the head of the free list first.
                    if index == 0 && first == 1 && generation == 65_535 {
                        first = 0;
                    }
                    Entry::Free
                } else {
                    return Err(broken());
                };
                let number = u32::try_from(index).ok().and_then(|index| first.checked_add(index)).ok_or_else(broken)?;
                entries.push((number, entry));
            }
        }
        let trailer = match parser.object() {
            Ok(Object::Dict(trailer)) => trailer,
            _ => return Err(bad("a trailer does not read")),
        };
        let end = parser.at.min(bytes.len());
        Ok(Self { offset, end, entries: sorted(entries), trailer, is_stream: false })
    }

    fn stream(bytes: &[u8], offset: usize, limits: &Limits, budget: usize) -> Result<Self, Refused> {
        let broken = || bad("a cross-reference stream does not read");
        let Stored { object, end, .. } = indirect(bytes, offset, limits.depth, None)
            .ok_or_else(|| bad("there is no cross-reference where one should be"))?;
        let Object::Stream(dict, range) = object else { return Err(broken()) };
        if !dict.is("Type", "XRef") {
            return Err(broken());
        }
        let widths: Vec<usize> = dict
            .get("W")
            .and_then(Object::as_array)
            .map(|widths| {
                widths
                    .iter()
                    .filter_map(|w| w.as_int().and_then(|w| usize::try_from(w).ok()).filter(|&w| w <= 8))
                    .collect()
            })
            .unwrap_or_default();
        let [kind_width, second_width, third_width] = widths.as_slice() else { return Err(broken()) };
        let (kind_width, second_width, third_width) = (*kind_width, *second_width, *third_width);
        let row = kind_width + second_width + third_width;
        if row == 0 {
            return Err(broken());
        }
        let plain =
            unpack(&dict, bytes.get(range).unwrap_or_default(), budget.saturating_mul(row).min(limits.unpacked))?;
        let size = dict.get("Size").and_then(Object::as_int).ok_or_else(broken)?;
        let whole = [Object::Int(0), Object::Int(size)];
        let index = dict.get("Index").and_then(Object::as_array).unwrap_or(&whole);
        let mut rows = plain.chunks_exact(row);
        let mut entries = Vec::new();
        for pair in index.chunks(2) {
            let [first, count] = pair else { return Err(broken()) };
            let first = first.as_int().and_then(|n| u32::try_from(n).ok()).ok_or_else(broken)?;
            let count = count.as_int().and_then(|n| u32::try_from(n).ok()).ok_or_else(broken)?;
            for index in 0..count {
                let Some(row) = rows.next() else { break };
                if entries.len() >= budget {
                    return Err(Refused::TooLarge("objects".to_owned()));
                }
                let (kind, rest) = row.split_at(kind_width);
                let (second, third) = rest.split_at(second_width);
                let kind = if kind_width == 0 { 1 } else { big_endian(kind) };
                let (second, third) = (big_endian(second), big_endian(third));
                let entry = match kind {
                    1 => Entry::At {
                        offset: usize::try_from(second).map_err(|_| broken())?,
                        generation: u16::try_from(third).map_err(|_| broken())?,
                    },
                    2 => Entry::In {
                        stream: u32::try_from(second).map_err(|_| broken())?,
                        index: u32::try_from(third).map_err(|_| broken())?,
                    },
                    // 0, and kinds of the future, which read as null.
                    _ => Entry::Free,
                };
                entries.push((first.checked_add(index).ok_or_else(broken)?, entry));
            }
        }
        Ok(Self { offset, end, entries: sorted(entries), trailer: dict, is_stream: true })
    }

    /// The entry of an object, if this section has one.
    pub fn entry(&self, number: u32) -> Option<Entry> {
        let found = self.entries.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.entries.get(found).map(|(_, entry)| *entry)
    }

    /// All entries.
    pub fn entries(&self) -> &[(u32, Entry)] {
        &self.entries
    }

    /// An offset that the trailer names.
    pub fn points_to(&self, key: &str) -> Option<usize> {
        match self.trailer.get(key) {
            Some(Object::Int(offset)) => usize::try_from(*offset).ok(),
            // Some writers give it as 123.0.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Some(Object::Real(offset)) if *offset >= 0.0 && *offset < 1e12 => Some(*offset as usize),
            _ => None,
        }
    }
}

fn sorted(mut entries: Vec<(u32, Entry)>) -> Vec<(u32, Entry)> {
    if !entries.is_sorted_by(|a, b| a.0 < b.0) {
        entries.sort_by_key(|(number, _)| *number);
        entries.dedup_by_key(|(number, _)| *number);
    }
    entries
}

fn big_endian(octets: &[u8]) -> u64 {
    octets.iter().fold(0, |value, &octet| value << 8 | u64::from(octet))
}

/// What the last `startxref` of `bytes` says, and where that keyword stands.
pub fn last_startxref(bytes: &[u8]) -> Option<(usize, usize)> {
    // Readers look in the last 1,024 octets; what lies further up was not meant as the end.
    let from = bytes.len().saturating_sub(1024);
    let tail = bytes.get(from..)?;
    let at = tail.windows(9).rposition(|nine| nine == b"startxref")?;
    let mut parser = Parser::new(bytes, from + at + 9, 0);
    let offset = usize::try_from(parser.number()?).ok()?;
    Some((offset, from + at))
}

/// Where `%%EOF` after the last `startxref` ends, with the line end after it; nothing if it is not there.
pub fn end_of_file(bytes: &[u8], startxref: usize) -> Option<usize> {
    let tail = bytes.get(startxref..)?;
    let at = startxref + tail.windows(5).position(|five| five == b"%%EOF")? + 5;
    let line = bytes.get(at..)?;
    let line_end =
        if line.starts_with(b"\r\n") { 2 } else { usize::from(line.first().is_some_and(|&octet| is_space(octet))) };
    Some(at + line_end)
}
