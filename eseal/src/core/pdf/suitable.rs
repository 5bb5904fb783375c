//! Whether a seal can rightly be put on a document, and what kind of document it is.

use super::file::Revision;
use super::filter::unpack;
use super::form::Form;
use super::object::{Dict, Object};
use crate::core::job::Refused;

/// Longest metadata that are looked into. Unit: bytes.
const MOST_METADATA: usize = 4 << 20;

/// Refuses a document that asks for a password.
///
/// Also one that opens without: what is added to it would have to be encrypted, the signature's value would not.
pub fn not_encrypted(revision: &Revision<'_, '_>) -> Result<(), Refused> {
    if revision.chain.iter().any(|section| section.trailer.get("Encrypt").is_some()) {
        Err(Refused::Encrypted)
    } else {
        Ok(())
    }
}

/// Why no seal can be put on it, if so: a stable word and a sentence.
pub fn obstacle(revision: &Revision<'_, '_>, form: &Form) -> Result<Option<(&'static str, &'static str)>, Refused> {
    let (_, catalog) = revision.catalog()?;
    let acroform = revision.dict_at(&catalog, "AcroForm")?;
    if acroform.get("XFA").is_some() {
        let sentence = "its pages are an XFA form, which a signature over the PDF does not hold fast: print it to a plain PDF first";
        return Ok(Some(("xfa", sentence)));
    }
    if permission(revision, form)? == Some(1) {
        return Ok(Some((
            "no-changes-allowed",
            "its author certified it and allows no change, so a further seal would break that",
        )));
    }
    Ok(None)
}

/// What the author's certification, or the lock of a signature, allows: 1 nothing, 2 filling in and signing,
/// 3 comments too; nothing if there is none (12.8.2.2, 12.7.4.5).
pub fn permission(revision: &Revision<'_, '_>, form: &Form) -> Result<Option<i64>, Refused> {
    let (_, catalog) = revision.catalog()?;
    let certified = revision.dict_at(&catalog, "Perms")?;
    let mut least = None;
    let mut narrow = |level: Option<i64>| {
        if let Some(level) = level {
            least = Some(least.map_or(level, |least: i64| least.min(level)));
        }
    };
    if let Object::Dict(signature) = revision.at(&certified, "DocMDP")? {
        narrow(Some(transform(revision, &signature)?.unwrap_or(2)));
    }
    for field in form.fields.iter().filter(|field| field.is_signature()) {
        let Some(value) = &field.value else { continue };
        if let Object::Dict(signature) = revision.follow(value)? {
            narrow(transform(revision, &signature)?);
        }
        narrow(revision.dict_at(&field.dict, "Lock")?.get("P").and_then(Object::as_int));
    }
    Ok(least)
}

/// `P` of the signature's `DocMDP` transform, if it has one.
pub fn transform(revision: &Revision<'_, '_>, signature: &Dict) -> Result<Option<i64>, Refused> {
    for reference in revision.array_at(signature, "Reference")?.iter().take(16) {
        let Object::Dict(reference) = revision.follow(reference)? else { continue };
        if reference.is("TransformMethod", "DocMDP") {
            let parameters = revision.dict_at(&reference, "TransformParams")?;
            return Ok(Some(parameters.get("P").and_then(Object::as_int).unwrap_or(2)));
        }
    }
    Ok(None)
}

/// The part of ISO 19005 (PDF/A) that the document says it keeps: 1 to 4.
pub fn archival(revision: &Revision<'_, '_>) -> Result<Option<u8>, Refused> {
    let (_, catalog) = revision.catalog()?;
    let Object::Stream(dict, range) = revision.at(&catalog, "Metadata")? else { return Ok(None) };
    let packed = revision.bytes().get(range).unwrap_or_default();
    // Metadata that do not unpack say nothing; they are not what is sealed.
    let Ok(metadata) = unpack(&dict, packed, MOST_METADATA) else { return Ok(None) };
    let Some(at) = metadata.windows(11).position(|eleven| eleven == b"pdfaid:part") else { return Ok(None) };
    let after = metadata.get(at + 11..).unwrap_or_default().iter().take(8);
    Ok(after.filter(|octet| octet.is_ascii_digit()).map(|digit| digit - b'0').next())
}
