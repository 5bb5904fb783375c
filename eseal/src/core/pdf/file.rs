//! A PDF file as its revisions: each a chain of cross-reference sections, objects read when they are asked for.
//!
//! Nothing is repaired. A reader that repairs a file sees another document than one that does not, and a seal on a
//! document that two people see differently proves nothing; a file whose cross-references are wrong is refused.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::filter::unpack;
use super::object::{Dict, Object, Parser, Ref};
use super::xref::{Entry, Section, last_startxref};
use crate::core::job::{Limits, Refused};

/// Most sections of one file: as many revisions.
const MOST_SECTIONS: usize = 2_000;
/// Longest chain of references from one to the next.
const MOST_HOPS: usize = 16;

/// The file does not read: why.
pub fn bad(why: &str) -> Refused {
    Refused::Malformed(why.to_owned())
}

/// An indirect object and where it lies.
#[derive(Debug)]
pub struct Stored {
    /// Its name.
    pub name: Ref,
    /// Its value.
    pub object: Object,
    /// After its last octet (`endobj`, if it is there).
    pub end: usize,
    /// Where the values of its dictionary stand.
    pub spans: Vec<(Vec<u8>, Range<usize>)>,
}

/// Reads `12 0 obj …` at an offset. `length` finds the length of a stream that is given by reference.
pub fn indirect(
    bytes: &[u8],
    offset: usize,
    depth: usize,
    length: Option<&dyn Fn(Ref) -> Option<usize>>,
) -> Option<Stored> {
    let mut parser = Parser::new(bytes, offset, depth);
    let name = parser.header()?;
    let object = parser.object().ok()?;
    let spans = std::mem::take(&mut parser.spans);
    let Object::Dict(dict) = object else {
        parser.keyword(b"endobj");
        return Some(Stored { name, object, end: parser.at, spans });
    };
    if !parser.keyword(b"stream") {
        parser.keyword(b"endobj");
        return Some(Stored { name, object: Object::Dict(dict), end: parser.at, spans });
    }
    let start = parser.at
        + match bytes.get(parser.at..)? {
            [b'\r', b'\n', ..] => 2,
            [b'\n' | b'\r', ..] => 1,
            _ => 0,
        };
    let stated = match dict.get("Length") {
        Some(Object::Int(length)) => usize::try_from(*length).ok(),
        Some(Object::Ref(to)) => length.and_then(|length| length(*to)),
        _ => None,
    };
    let ends = |end: usize| {
        let mut parser = Parser::new(bytes, end, depth);
        (end <= bytes.len() && parser.keyword(b"endstream")).then(|| {
            parser.keyword(b"endobj");
            parser.at
        })
    };
    let stated = stated.and_then(|length| start.checked_add(length)).and_then(|end| Some((end, ends(end)?)));
    let (data_end, end) = match stated {
        Some(found) => found,
        None => {
            let found = start + bytes.get(start..)?.windows(9).position(|nine| nine == b"endstream")?;
            (found, ends(found)?)
        }
    };
    Some(Stored { name, object: Object::Stream(dict, start..data_end), end, spans })
}

/// The objects of an object stream.
#[derive(Debug)]
struct Bundle {
    plain: Vec<u8>,
    /// Number and offset in `plain`.
    objects: Vec<(u32, usize)>,
    /// Where the stream ends in the file.
    end: usize,
}

/// A file.
#[derive(Debug)]
pub struct File<'a> {
    /// All of it.
    pub bytes: &'a [u8],
    /// The bounds within which it is read.
    pub limits: &'a Limits,
    sections: RefCell<HashMap<usize, Rc<Section>>>,
    bundles: RefCell<HashMap<usize, Rc<Bundle>>>,
    entries_left: Cell<usize>,
    unpacked_left: Cell<usize>,
}

impl<'a> File<'a> {
    /// Nothing is read yet.
    pub fn new(bytes: &'a [u8], limits: &'a Limits) -> Result<Self, Refused> {
        if bytes.len() > limits.document {
            return Err(Refused::TooLarge("document".to_owned()));
        }
        Ok(Self {
            bytes,
            limits,
            sections: RefCell::default(),
            bundles: RefCell::default(),
            entries_left: Cell::new(limits.entries.saturating_mul(4)),
            unpacked_left: Cell::new(limits.unpacked),
        })
    }

    fn section(&self, offset: usize, end: usize) -> Result<Rc<Section>, Refused> {
        let known = self.sections.borrow().get(&offset).cloned();
        let section = match known {
            Some(section) => section,
            None => {
                let section = Section::read(self.bytes, offset, self.limits, self.limits.entries)?;
                let left = self.entries_left.get().checked_sub(section.entries().len());
                self.entries_left.set(left.ok_or_else(|| Refused::TooLarge("objects".to_owned()))?);
                let section = Rc::new(section);
                self.sections.borrow_mut().insert(offset, Rc::clone(&section));
                section
            }
        };
        if section.end > end {
            Err(bad("a cross-reference lies beyond the revision it belongs to"))
        } else {
            Ok(section)
        }
    }

    /// The document as it is now.
    pub fn latest(&self) -> Result<Revision<'_, 'a>, Refused> {
        self.revision(self.bytes.len())
    }

    /// The document as it was when the file was `end` octets long.
    pub fn revision(&self, end: usize) -> Result<Revision<'_, 'a>, Refused> {
        let bytes = self.bytes.get(..end).ok_or_else(|| bad("a revision is longer than the file"))?;
        let (start, keyword) = last_startxref(bytes).ok_or_else(|| bad("it has no startxref at its end"))?;
        let mut chain: Vec<Rc<Section>> = Vec::new();
        let mut next = Some(start);
        while let Some(offset) = next {
            if chain.iter().any(|section| section.offset == offset) {
                return Err(bad("its cross-references run in a circle"));
            }
            if chain.len() >= MOST_SECTIONS {
                return Err(Refused::TooLarge("revisions".to_owned()));
            }
            let section = self.section(offset, end)?;
            next = section.points_to("Prev");
            // A file for old and new readers: what the table hides lies in a stream.
            let hidden = if section.is_stream { None } else { section.points_to("XRefStm") };
            chain.push(section);
            if let Some(hidden) = hidden {
                let hidden = self.section(hidden, end)?;
                if !hidden.is_stream {
                    return Err(bad("a cross-reference stream is none"));
                }
                chain.push(hidden);
            }
        }
        let trailer = chain.first().map(|section| section.trailer.clone()).unwrap_or_default();
        Ok(Revision { file: self, chain, trailer, end, startxref: start, keyword })
    }
}

/// The document at one time of its life.
#[derive(Debug)]
pub struct Revision<'f, 'a> {
    /// The file.
    pub file: &'f File<'a>,
    /// Its sections, the newest first.
    pub chain: Vec<Rc<Section>>,
    /// The newest trailer.
    pub trailer: Dict,
    /// How long the file was.
    pub end: usize,
    /// Where its newest section starts.
    pub startxref: usize,
    /// Where the keyword `startxref` stands.
    pub keyword: usize,
}

impl<'a> Revision<'_, 'a> {
    /// The octets of this revision.
    pub fn bytes(&self) -> &'a [u8] {
        self.file.bytes.get(..self.end).unwrap_or_default()
    }

    /// Where an object lies.
    pub fn entry(&self, number: u32) -> Entry {
        let mut sections = self.chain.iter().peekable();
        while let Some(section) = sections.next() {
            let Some(entry) = section.entry(number) else { continue };
            if entry == Entry::Free && !section.is_stream {
                // What the table of a hybrid file calls free may lie in its stream.
                let hidden = sections.peek().filter(|next| section.points_to("XRefStm") == Some(next.offset));
                if let Some(entry) = hidden.and_then(|hidden| hidden.entry(number)) {
                    return entry;
                }
            }
            return entry;
        }
        Entry::Free
    }

    /// The object of that name; `null` if there is none.
    pub fn get(&self, name: Ref) -> Result<Object, Refused> {
        self.get_at(name, 0)
    }

    fn get_at(&self, name: Ref, hops: usize) -> Result<Object, Refused> {
        match self.entry(name.number) {
            Entry::Free => Ok(Object::Null),
            Entry::At { generation, .. } if generation != name.generation => Ok(Object::Null),
            Entry::At { .. } => self.stored(name, hops).map(|stored| stored.object),
            Entry::In { stream, index } if name.generation == 0 => self.bundled(name.number, stream, index, hops),
            Entry::In { .. } => Ok(Object::Null),
        }
    }

    /// The object of that name with its place, if it lies in the file by itself.
    pub fn place(&self, name: Ref) -> Result<Stored, Refused> {
        self.stored(name, 0)
    }

    fn stored(&self, name: Ref, hops: usize) -> Result<Stored, Refused> {
        let broken = || Refused::Malformed(format!("object {} does not read", name.number));
        let Entry::At { offset, .. } = self.entry(name.number) else { return Err(broken()) };
        let length = |to: Ref| {
            if hops >= MOST_HOPS {
                return None;
            }
            self.get_at(to, hops + 1).ok()?.as_int().and_then(|length| usize::try_from(length).ok())
        };
        let stored = indirect(self.bytes(), offset, self.file.limits.depth, Some(&length)).ok_or_else(broken)?;
        if stored.name == name { Ok(stored) } else { Err(broken()) }
    }

    fn bundled(&self, number: u32, stream: u32, index: u32, hops: usize) -> Result<Object, Refused> {
        let bundle = self.bundle(stream, hops)?;
        let at = usize::try_from(index)
            .ok()
            .and_then(|index| bundle.objects.get(index))
            .filter(|(found, _)| *found == number);
        let Some((_, at)) = at else { return Ok(Object::Null) };
        Parser::new(&bundle.plain, *at, self.file.limits.depth)
            .object()
            .map_err(|_| Refused::Malformed(format!("object {number} does not read")))
    }

    fn bundle(&self, number: u32, hops: usize) -> Result<Rc<Bundle>, Refused> {
        let broken = || Refused::Malformed(format!("object stream {number} does not read"));
        let Entry::At { offset, generation: 0 } = self.entry(number) else { return Err(broken()) };
        let known = self.file.bundles.borrow().get(&offset).cloned();
        let bundle = match known {
            Some(bundle) => bundle,
            None => {
                let stored = self.stored(Ref { number, generation: 0 }, hops + 1)?;
                let Object::Stream(dict, range) = &stored.object else { return Err(broken()) };
                if !dict.is("Type", "ObjStm") {
                    return Err(broken());
                }
                let packed = self.file.bytes.get(range.clone()).unwrap_or_default();
                let plain = unpack(dict, packed, self.file.unpacked_left.get())?;
                self.file.unpacked_left.set(self.file.unpacked_left.get().saturating_sub(plain.len()));
                let size = |key: &str| dict.get(key).and_then(Object::as_int).and_then(|n| usize::try_from(n).ok());
                let (count, first) = (size("N").ok_or_else(broken)?, size("First").ok_or_else(broken)?);
                if count > self.file.limits.entries {
                    return Err(Refused::TooLarge("objects".to_owned()));
                }
                let mut parser = Parser::new(&plain, 0, 0);
                let mut objects = Vec::new();
                for _ in 0..count {
                    let number = parser.number().and_then(|n| u32::try_from(n).ok()).ok_or_else(broken)?;
                    let at = parser.number().and_then(|n| usize::try_from(n).ok()).ok_or_else(broken)?;
                    objects.push((number, first.checked_add(at).ok_or_else(broken)?));
                }
                let bundle = Rc::new(Bundle { objects, end: stored.end, plain });
                self.file.bundles.borrow_mut().insert(offset, Rc::clone(&bundle));
                bundle
            }
        };
        if bundle.end > self.end { Err(broken()) } else { Ok(bundle) }
    }

    /// What an object is once references are followed.
    pub fn follow(&self, object: &Object) -> Result<Object, Refused> {
        let mut object = object.clone();
        for _ in 0..MOST_HOPS {
            match object {
                Object::Ref(name) => object = self.get(name)?,
                other => return Ok(other),
            }
        }
        Err(bad("references run in a circle"))
    }

    /// What stands at a key once references are followed; `null` if nothing.
    pub fn at(&self, dict: &Dict, key: &str) -> Result<Object, Refused> {
        dict.get(key).map_or(Ok(Object::Null), |value| self.follow(value))
    }

    /// The dictionary at a key; an empty one if there is none.
    pub fn dict_at(&self, dict: &Dict, key: &str) -> Result<Dict, Refused> {
        Ok(self.at(dict, key)?.as_dict().cloned().unwrap_or_default())
    }

    /// The array at a key; an empty one if there is none.
    pub fn array_at(&self, dict: &Dict, key: &str) -> Result<Vec<Object>, Refused> {
        Ok(match self.at(dict, key)? {
            Object::Array(items) => items,
            _ => Vec::new(),
        })
    }

    /// The catalog and its name.
    pub fn catalog(&self) -> Result<(Ref, Dict), Refused> {
        let root =
            self.trailer.get("Root").and_then(Object::as_ref).ok_or_else(|| bad("its trailer names no catalog"))?;
        match self.get(root)? {
            Object::Dict(catalog) => Ok((root, catalog)),
            _ => Err(bad("it has no catalog")),
        }
    }

    /// A number that no object has, and none after it.
    pub fn next_number(&self) -> u32 {
        let size = self.chain.iter().filter_map(|section| section.trailer.get("Size").and_then(Object::as_int));
        let size = size.filter_map(|size| u32::try_from(size).ok()).max().unwrap_or(0);
        let used = self
            .chain
            .iter()
            .filter_map(|section| section.entries().last().map(|(number, _)| number.saturating_add(1)));
        size.max(used.max().unwrap_or(0)).max(1)
    }
}
