//! Stepping through DER without a copy: elements by the octet of their tag, on the reader of the crate `der`.

use der::{Header, Reader as _, SliceReader};

use super::request::BadRequest;

/// One element: its content, and the whole of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) value: &'a [u8],
    pub(super) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// Steps through the content.
    pub(super) fn inside(self, what: &'static str) -> Result<Walk<'a>, BadRequest> {
        Walk::new(self.value, what)
    }
}

/// The elements of some bytes, one after the other. `what` is named when something is not as expected.
pub(super) struct Walk<'a>(SliceReader<'a>);

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Result<Self, BadRequest> {
        SliceReader::new(bytes).map(Self).map_err(|_| BadRequest { what })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_finished()
    }

    /// The next element, whatever it is.
    pub(super) fn any(&mut self, what: &'static str) -> Result<Element<'a>, BadRequest> {
        let bad = |_| BadRequest { what };
        let header = Header::peek(&self.0).map_err(bad)?;
        let whole = self.0.tlv_bytes().map_err(bad)?;
        let length = usize::try_from(header.length()).map_err(bad)?;
        let start = whole.len().checked_sub(length).ok_or(BadRequest { what })?;
        Ok(Element { value: &whole[start..], whole })
    }

    /// The next element, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8, what: &'static str) -> Result<Element<'a>, BadRequest> {
        if self.0.peek_byte() == Some(tag) { self.any(what) } else { Err(BadRequest { what }) }
    }

    /// The next element if it has this tag.
    pub(super) fn optional(&mut self, tag: u8, what: &'static str) -> Result<Option<Element<'a>>, BadRequest> {
        if self.0.peek_byte() == Some(tag) { self.any(what).map(Some) } else { Ok(None) }
    }

    /// Nothing may follow.
    pub(super) fn finish(self, what: &'static str) -> Result<(), BadRequest> {
        if self.0.is_finished() { Ok(()) } else { Err(BadRequest { what }) }
    }
}
