//! OFD documents: inspected, made ready for a seal, read back, drawn.

use super::facts::{Facts, Overview};
use super::job::{Limits, Refused};
use super::order::{Order, Prepared};

/// Says what the document is, without judging its signatures.
///
/// # Errors
/// [`Refused`].
pub fn inspect(_document: &[u8], _limits: &Limits) -> Result<Overview, Refused> {
    Err(Refused::UnknownFormat)
}

/// Makes the document ready for one more signature. What is there already is not touched.
///
/// # Errors
/// [`Refused`].
pub fn prepare(_document: &[u8], _order: &Order, _limits: &Limits) -> Result<Prepared, Refused> {
    Err(Refused::UnknownFormat)
}

/// Finds the signatures and what they cover.
///
/// # Errors
/// [`Refused`].
pub fn read(_document: &[u8], _limits: &Limits) -> Result<Facts, Refused> {
    Err(Refused::UnknownFormat)
}

/// Draws a page (from 0), this many pixels wide, as PNG.
///
/// # Errors
/// [`Refused`].
pub fn preview(_document: &[u8], _page: u32, _width: u32, _limits: &Limits) -> Result<Vec<u8>, Refused> {
    Err(Refused::UnknownFormat)
}
