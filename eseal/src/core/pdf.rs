//! PDF documents: inspected, made ready for a seal, read back, drawn.
//!
//! # Map
//!
//! `object` is the syntax, `filter` what is packed, `xref` and `file` where objects lie in each revision; `page` and
//! `form` are the two trees a seal hangs in. `suitable` says whether one may be added, `update` adds, `appearance` is
//! what is seen, `keyword` where a text stands, `preview` a picture of a page. `prepare` makes a document ready.
//! `signature` is one signature read back, `compare` and `coverage` what happened to the document after it,
//! `evidence` what it carries for verifiers, `shown` where the pages show it and `likeness` whether they show the
//! seal; `read` puts these together.
//!
//! Written by hand rather than over a general library for two reasons. What a signature covers is a matter of
//! octets: a reader must know where in the file each object of each revision lies, and must not repair what is
//! wrong. And a document of 20 MB is sealed by reading its last page of cross-references and a few objects.

mod appearance;
mod compare;
mod coverage;
mod digest;
mod evidence;
mod file;
mod filter;
mod form;
mod keyword;
mod likeness;
mod object;
mod page;
mod prepare;
mod preview;
mod read;
mod shown;
mod signature;
mod suitable;
mod update;
mod xref;

use super::facts::{Evidence, Facts, Format, Overview};
use super::job::{Limits, Refused};
use super::order::{Order, Prepared};

/// Says what the document is, without judging its signatures.
///
/// # Errors
/// [`Refused`].
pub fn inspect(document: &[u8], limits: &Limits) -> Result<Overview, Refused> {
    let file = file::File::new(document, limits)?;
    let revision = file.latest()?;
    if suitable::not_encrypted(&revision).is_err() {
        let refused = Some("encrypted".to_owned());
        return Ok(Overview { format: Format::Pdf, pages: Vec::new(), signatures: 0, refused });
    }
    let form = form::form(&revision)?;
    let pages = page::tree(&revision)?.pages;
    let signatures = form.fields.iter().filter(|field| field.is_signature() && field.value.is_some()).count();
    Ok(Overview {
        format: Format::Pdf,
        pages: pages.iter().map(page::Page::size).collect(),
        signatures: u32::try_from(signatures).unwrap_or(u32::MAX),
        refused: suitable::obstacle(&revision, &form)?.map(|(word, _)| word.to_owned()),
    })
}

/// Makes the document ready for one more signature. What is there already is not touched.
///
/// # Errors
/// [`Refused`].
pub fn prepare(document: &[u8], order: &Order, limits: &Limits) -> Result<Prepared, Refused> {
    prepare::prepare(document, order, limits)
}

/// Finds the signatures and what they cover.
///
/// # Errors
/// [`Refused`].
pub fn read(document: &[u8], limits: &Limits) -> Result<Facts, Refused> {
    read::read(document, limits)
}

/// Adds certificates and answers about them to a signed document, for those who verify it later (PAdES B-LT).
/// No signature is touched; what the document carries already is not added again.
///
/// # Errors
/// [`Refused`].
pub fn embed_evidence(document: &[u8], evidence: &Evidence, limits: &Limits) -> Result<Vec<u8>, Refused> {
    evidence::embed(document, evidence, limits)
}

/// Draws a page (from 0), this many pixels wide, as PNG.
///
/// # Errors
/// [`Refused`].
pub fn preview(document: &[u8], page: u32, width: u32, limits: &Limits) -> Result<Vec<u8>, Refused> {
    if document.len() > limits.document {
        return Err(Refused::TooLarge("document".to_owned()));
    }
    preview::preview(document, page, width)
}
