//! The fields of a document's form, those with signatures among them (ISO 32000-1 12.7).

use std::collections::HashSet;

use super::file::{Revision, bad};
use super::object::{Dict, Object, Ref};
use crate::core::job::Refused;

/// A field that has no fields below it.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its whole name: those of its ancestors and its own, with points between.
    pub name: String,
    /// Its own node.
    pub node: Ref,
    /// The dictionary of that node.
    pub dict: Dict,
    /// `FT`, its own or inherited.
    pub kind: Vec<u8>,
    /// `V`, its own or inherited; not followed.
    pub value: Option<Object>,
    /// What shows it on pages.
    pub widgets: Vec<Ref>,
}

impl Field {
    /// Whether it is there for a signature.
    pub fn is_signature(&self) -> bool {
        self.kind == b"Sig"
    }
}

/// The form.
#[derive(Debug, Default)]
pub struct Form {
    /// Every node: fields, their parents and their widgets.
    pub nodes: Vec<Ref>,
    /// The fields.
    pub fields: Vec<Field>,
}

#[derive(Clone, Default)]
struct Inherited {
    name: String,
    kind: Vec<u8>,
    value: Option<Object>,
}

/// Reads the form of a revision.
pub fn form(revision: &Revision<'_, '_>) -> Result<Form, Refused> {
    let (_, catalog) = revision.catalog()?;
    let acroform = revision.dict_at(&catalog, "AcroForm")?;
    let limits = revision.file.limits;
    let mut form = Form::default();
    let mut seen = HashSet::new();
    let mut open = Vec::new();
    let roots = revision.array_at(&acroform, "Fields")?;
    for root in roots.iter().rev().filter(|root| **root != Object::Null) {
        open.push((
            root.as_ref().ok_or_else(|| bad("a field of its form does not read"))?,
            Inherited::default(),
            0_usize,
        ));
    }
    while let Some((node, above, depth)) = open.pop() {
        if !seen.insert(node) {
            return Err(bad("the fields of its form run in a circle"));
        }
        if depth > limits.depth || seen.len() > limits.entries {
            return Err(Refused::TooLarge("fields".to_owned()));
        }
        let Object::Dict(dict) = revision.get(node)? else { continue };
        form.nodes.push(node);
        let mut own = above;
        if let Object::Str(part) = revision.at(&dict, "T")? {
            let part = text(&part);
            own.name = if own.name.is_empty() { part } else { format!("{}.{part}", own.name) };
        }
        if let Object::Name(kind) = revision.at(&dict, "FT")? {
            own.kind = kind;
        }
        if let Some(value) = dict.get("V") {
            own.value = Some(value.clone());
        }
        let kids = revision.array_at(&dict, "Kids")?;
        let mut widgets = Vec::new();
        let mut below = Vec::new();
        for kid in &kids {
            let kid = kid.as_ref().ok_or_else(|| bad("a field of its form does not read"))?;
            let is_field = matches!(revision.get(kid)?, Object::Dict(dict) if dict.get("T").is_some());
            if is_field {
                below.push(kid);
            } else {
                widgets.push(kid);
            }
        }
        if below.is_empty() {
            if dict.is("Subtype", "Widget") {
                widgets.insert(0, node);
            }
            form.nodes.extend(widgets.iter().copied().filter(|widget| *widget != node));
            form.fields.push(Field { name: own.name, node, dict, kind: own.kind, value: own.value, widgets });
        } else {
            form.nodes.extend(widgets);
            open.extend(below.into_iter().rev().map(|kid| (kid, own.clone(), depth + 1)));
        }
    }
    Ok(form)
}

/// A text string (7.9.2.2): UTF-16 or UTF-8 after their marks, else Latin.
pub fn text(octets: &[u8]) -> String {
    if let Some(wide) = octets.strip_prefix(&[0xfe, 0xff]) {
        let units: Vec<u16> =
            wide.chunks_exact(2).map(|two| two.iter().fold(0, |unit, &octet| unit << 8 | u16::from(octet))).collect();
        return String::from_utf16_lossy(&units);
    }
    match octets.strip_prefix(&[0xef, 0xbb, 0xbf]) {
        Some(plain) => String::from_utf8_lossy(plain).into_owned(),
        None => octets.iter().map(|&octet| char::from(octet)).collect(),
    }
}

/// The same, for writing.
pub fn text_string(text: &str) -> Object {
    if text.bytes().all(|octet| (0x20..0x7f).contains(&octet)) {
        return Object::Str(text.as_bytes().to_vec());
    }
    let mut octets = vec![0xfe, 0xff];
    octets.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    Object::Str(octets)
}
