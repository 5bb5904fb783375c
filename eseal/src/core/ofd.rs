//! OFD documents (GB/T 33190-2016): inspected, made ready for a seal, read back, drawn, written.

mod body;
mod digest;
mod fault;
mod package;
mod path;
mod prepare;
mod preview;
mod read;
mod signature;
mod text;
pub mod write;
mod xml;

use super::facts::{Facts, Format, Overview};
use super::finding::Outcome;
use super::font::Fonts;
use super::job::{Limits, Refused};
use super::order::{Order, Prepared};
use body::Documents;
use signature::List;

/// Says what the document is, without judging its signatures.
///
/// # Errors
/// [`Refused`].
pub fn inspect(document: &[u8], limits: &Limits) -> Result<Overview, Refused> {
    let documents = Documents::open(document, limits)?;
    let mut signatures = 0;
    for body in &documents.bodies {
        let list = List::read(&documents.package, body, limits).map_err(|fault| Refused::Malformed(fault.en))?;
        signatures += list.map_or(0, |list| u32::try_from(list.signatures.len()).unwrap_or(u32::MAX));
    }
    let fatal = documents.faults.iter().find(|fault| fault.outcome == Outcome::Fail);
    let refused = fatal.map(|fault| fault.code).or_else(|| prepare::obstacle(&documents, limits).map(|(word, _)| word));
    Ok(Overview { format: Format::Ofd, pages: documents.sizes(), signatures, refused: refused.map(str::to_owned) })
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

/// Draws a page (from 0), this many pixels wide, as PNG.
///
/// # Errors
/// [`Refused`].
pub fn preview(document: &[u8], page: u32, width: u32, limits: &Limits) -> Result<Vec<u8>, Refused> {
    preview_with(document, page, width, &Fonts::embedded(), limits)
}

/// As [`preview()`], with these fonts for text whose font the document does not bring.
///
/// # Errors
/// [`Refused`].
pub fn preview_with(
    document: &[u8],
    page: u32,
    width: u32,
    fonts: &Fonts,
    limits: &Limits,
) -> Result<Vec<u8>, Refused> {
    preview::preview(document, page, width, fonts, limits)
}
