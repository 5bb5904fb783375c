//! An incremental update (ISO 32000-1 7.5.6): new and changed objects after what is there, which is not touched.

use std::collections::BTreeMap;

use super::file::{Revision, bad};
use super::object::{Dict, Object, Ref};
use crate::core::job::Refused;

/// What is to be added.
#[derive(Debug)]
pub struct Update<'r, 'f, 'a> {
    revision: &'r Revision<'f, 'a>,
    objects: BTreeMap<Ref, Vec<u8>>,
    next: u32,
}

impl<'r, 'f, 'a> Update<'r, 'f, 'a> {
    /// Nothing yet.
    pub fn new(revision: &'r Revision<'f, 'a>) -> Result<Self, Refused> {
        // Offsets count from the header in some readers and from the first octet in others.
        if !revision.file.bytes.starts_with(b"%PDF-") {
            return Err(bad("there is something before its header"));
        }
        let next = revision.next_number();
        if next > 8_000_000 {
            return Err(Refused::TooLarge("objects".to_owned()));
        }
        Ok(Self { revision, objects: BTreeMap::new(), next })
    }

    /// A name that nothing has.
    pub fn name(&mut self) -> Ref {
        let name = Ref { number: self.next, generation: 0 };
        self.next += 1;
        name
    }

    /// Puts an object there.
    pub fn put(&mut self, name: Ref, body: Vec<u8>) {
        self.objects.insert(name, body);
    }

    /// Adds an object.
    pub fn add(&mut self, body: Vec<u8>) -> Ref {
        let name = self.name();
        self.put(name, body);
        name
    }

    /// Puts a value there.
    pub fn put_value(&mut self, name: Ref, value: &Object) {
        let mut body = Vec::new();
        value.write(&mut body);
        self.put(name, body);
    }

    /// The document with the update, and where the body of `wanted` starts in it.
    pub fn write(mut self, wanted: Ref) -> (Vec<u8>, usize) {
        let before = self.revision.file.bytes;
        let room: usize = self.objects.values().map(|body| body.len() + 64).sum();
        let mut out = Vec::with_capacity(before.len() + room + 2048);
        out.extend_from_slice(before);
        if !out.ends_with(b"\n") {
            out.push(b'\n');
        }
        let is_stream = self.revision.chain.first().is_some_and(|section| section.is_stream);
        let table = is_stream.then(|| self.name());
        let mut offsets = Vec::new();
        let mut place = 0;
        for (name, body) in &self.objects {
            offsets.push((*name, out.len()));
            out.extend_from_slice(format!("{} {} obj\n", name.number, name.generation).as_bytes());
            if *name == wanted {
                place = out.len();
            }
            out.extend_from_slice(body);
            out.extend_from_slice(b"\nendobj\n");
        }
        let start = out.len();
        let mut trailer = self.trailer(out.get(before.len()..).unwrap_or_default());
        match table {
            None => {
                out.extend_from_slice(b"xref\n");
                for run in offsets.chunk_by(|a, b| a.0.number + 1 == b.0.number) {
                    let Some((first, _)) = run.first() else { continue };
                    out.extend_from_slice(format!("{} {}\n", first.number, run.len()).as_bytes());
                    for (name, offset) in run {
                        out.extend_from_slice(format!("{offset:010} {:05} n\r\n", name.generation).as_bytes());
                    }
                }
                out.extend_from_slice(b"trailer\n");
                trailer.write(&mut out);
            }
            Some(table) => {
                offsets.push((table, start));
                let mut rows = Vec::new();
                let mut index = Vec::new();
                for run in offsets.chunk_by(|a, b| a.0.number + 1 == b.0.number) {
                    let Some((first, _)) = run.first() else { continue };
                    index.push(Object::Int(first.number.into()));
                    index.push(Object::Int(i64::try_from(run.len()).unwrap_or(i64::MAX)));
                    for (name, offset) in run {
                        rows.push(1);
                        rows.extend_from_slice(&u32::try_from(*offset).unwrap_or(u32::MAX).to_be_bytes());
                        rows.extend_from_slice(&name.generation.to_be_bytes());
                    }
                }
                trailer.set("Type", Object::name("XRef"));
                trailer.set("W", Object::Array([1, 4, 2].map(Object::Int).to_vec()));
                trailer.set("Index", Object::Array(index));
                out.extend_from_slice(format!("{} 0 obj\n", table.number).as_bytes());
                out.extend_from_slice(&super::appearance::stream(trailer, &rows));
                out.extend_from_slice(b"\nendobj");
            }
        }
        out.extend_from_slice(format!("\nstartxref\n{start}\n%%EOF\n").as_bytes());
        (out, place)
    }

    fn trailer(&self, added: &[u8]) -> Dict {
        let mut trailer = Dict::default().with("Size", Object::Int(self.next.into()));
        for key in ["Root", "Info"] {
            if let Some(value) = self.revision.trailer.get(key) {
                trailer.set(key, value.clone());
            }
        }
        // The first half stays, the second tells this revision from the others (14.4); from the content, so that
        // doing the same again gives the same.
        let mut state = engine::sm3::Sm3::new();
        state.update(added);
        let new = state.finalize().get(..16).map(<[u8]>::to_vec).unwrap_or_default();
        let halves =
            vec![Object::Str(first_half(&self.revision.trailer).unwrap_or_else(|| new.clone())), Object::Str(new)];
        trailer.set("ID", Object::Array(halves));
        trailer.set("Prev", Object::Int(i64::try_from(self.revision.startxref).unwrap_or(0)));
        trailer
    }
}

fn first_half(trailer: &Dict) -> Option<Vec<u8>> {
    trailer.get("ID").and_then(Object::as_array)?.first()?.as_str().map(<[u8]>::to_vec)
}
