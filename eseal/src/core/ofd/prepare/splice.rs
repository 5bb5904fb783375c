//! The two files that a new signature changes, changed where they must be and nowhere else.

use super::super::super::job::Refused;
use super::super::body::Body;
use super::super::signature::List;
use super::super::xml::escape;
use super::{New, malformed};

/// Puts texts into places of a file; the places in ascending order.
fn put(octets: &[u8], changes: &[(std::ops::Range<usize>, String)]) -> Result<Vec<u8>, Refused> {
    let lost = || malformed("a place in the package's own files is not where it was");
    let mut out = Vec::with_capacity(octets.len() + changes.iter().map(|(_, text)| text.len()).sum::<usize>());
    let mut at = 0;
    for (place, text) in changes {
        out.extend(octets.get(at..place.start).ok_or_else(lost)?);
        out.extend(text.as_bytes());
        at = place.end;
    }
    out.extend(octets.get(at..).ok_or_else(lost)?);
    Ok(out)
}

/// `OFD.xml` with the place of the list of signatures, last in its `DocBody`.
pub(super) fn root(octets: &[u8], body: &Body, new: &New) -> Result<Vec<u8>, Refused> {
    let element = &body.element;
    let prefix = &element.prefix;
    let text = format!("<{prefix}Signatures>/{}</{prefix}Signatures>", escape(&new.list));
    // An element that names no file is replaced, one that is not there comes last.
    let place = match element.child("Signatures") {
        Some(empty) => empty.whole.clone(),
        None => element.inner.end..element.inner.end,
    };
    put(octets, &[(place, text)])
}

fn line(prefix: &str, new: &New) -> String {
    let id = new.ids.first().map_or("", String::as_str);
    let file = new.file("Signature.xml");
    format!("<{prefix}Signature ID=\"{}\" Type=\"Seal\" BaseLoc=\"/{}\"/>", escape(id), escape(&file))
}

fn last(prefix: &str, new: &New) -> String {
    format!("<{prefix}MaxSignId>{}</{prefix}MaxSignId>", escape(new.last_id()))
}

/// A list of one signature.
pub(super) fn new_list(new: &New) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ofd:Signatures xmlns:ofd=\"http://www.ofdspec.org/2016\">{}{}\
         </ofd:Signatures>",
        last("ofd:", new),
        line("ofd:", new)
    )
}

/// A list with one signature more.
pub(super) fn list(octets: &[u8], list: &List, new: &New) -> Result<Vec<u8>, Refused> {
    let (root, prefix) = (&list.root, &list.root.prefix);
    if !root.is_open() {
        return Ok(new_list(new).into_bytes());
    }
    let mut changes = vec![(root.inner.end..root.inner.end, line(prefix, new))];
    match root.child("MaxSignId") {
        Some(old) => changes.push((old.whole.clone(), last(prefix, new))),
        None => changes.push((root.inner.start..root.inner.start, last(prefix, new))),
    }
    changes.sort_by_key(|(place, _)| place.start);
    put(octets, &changes)
}
