//! What is done in a child process that holds no key: one request, one answer. Everything that reads strangers'
//! documents and pictures is here and nowhere else.

use serde::{Deserialize, Serialize};

use super::facts::{Evidence, Facts, Format, Overview};
use super::order::{Order, Prepared};
use super::picture::Picture;
use super::place::BadPlace;
use super::upload::{self, Ask};
use super::{ofd, pdf};

/// The bounds within which strangers' bytes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest document. Unit: bytes.
    pub document: usize,
    /// Most octets that its parts may have when unpacked, together. Unit: bytes.
    pub unpacked: usize,
    /// Most entries of a package or objects of a file.
    pub entries: usize,
    /// Most pages.
    pub pages: usize,
    /// Most signatures.
    pub signatures: usize,
    /// How deep XML elements or PDF objects may be nested.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { document: 32 << 20, unpacked: 256 << 20, entries: 100_000, pages: 5_000, signatures: 200, depth: 64 }
    }
}

/// Why a document or a picture is not worked on. The sender's fault, or what we cannot do; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refused {
    /// Neither OFD nor PDF (nor a picture we read).
    UnknownFormat,
    /// Larger, deeper or more numerous than allowed: what.
    TooLarge(String),
    /// It does not read: a sentence for its sender.
    Malformed(String),
    /// It asks for a password.
    Encrypted,
    /// A seal on it would not be right: a stable word (`xfa`, `no-changes-allowed`, `whole-protected`) and a sentence.
    Unsuitable(String, String),
    /// The places do not lie on it.
    Place(BadPlace),
    /// The form of signature does not go with the kind of document.
    Form,
    /// The value of the signature is longer than its place.
    NoRoom,
    /// No font has these characters.
    NoGlyph(String),
}

/// What is asked of a child process. The document or picture itself travels beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Job {
    /// What is it?
    Inspect,
    /// Make it ready for a seal.
    Prepare(Box<Order>),
    /// Find its signatures.
    Read,
    /// Add what its verifiers will need later (PAdES B-LT). PDF only.
    Embed(Box<Evidence>),
    /// Draw a page (from 0), this many pixels wide.
    Preview {
        /// The page, from 0.
        page: u32,
        /// Unit: pixels.
        width: u32,
    },
    /// Make a seal's picture of what somebody sent (PNG, JPEG, GIF, BMP, SVG).
    Picture(Ask),
}

/// What a child process answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Done {
    /// To [`Job::Inspect`].
    Overview(Overview),
    /// To [`Job::Prepare`].
    Prepared(Box<Prepared>),
    /// To [`Job::Read`].
    Facts(Box<Facts>),
    /// To [`Job::Embed`].
    Document(#[serde(with = "serde_bytes")] Vec<u8>),
    /// To [`Job::Preview`]: a PNG.
    Png(#[serde(with = "serde_bytes")] Vec<u8>),
    /// To [`Job::Picture`].
    Picture(Picture),
}

/// Does one job.
///
/// # Errors
/// [`Refused`].
pub fn run(job: &Job, document: &[u8], limits: &Limits) -> Result<Done, Refused> {
    if document.len() > limits.document {
        return Err(Refused::TooLarge("document".to_owned()));
    }
    if let Job::Picture(ask) = job {
        return Ok(Done::Picture(upload::normalise(document, ask, limits)?));
    }
    let format = Format::of(document).ok_or(Refused::UnknownFormat)?;
    Ok(match (job, format) {
        (Job::Inspect, Format::Ofd) => Done::Overview(ofd::inspect(document, limits)?),
        (Job::Inspect, Format::Pdf) => Done::Overview(pdf::inspect(document, limits)?),
        (Job::Prepare(order), Format::Ofd) => Done::Prepared(Box::new(ofd::prepare(document, order, limits)?)),
        (Job::Prepare(order), Format::Pdf) => Done::Prepared(Box::new(pdf::prepare(document, order, limits)?)),
        (Job::Read, Format::Ofd) => Done::Facts(Box::new(ofd::read(document, limits)?)),
        (Job::Read, Format::Pdf) => Done::Facts(Box::new(pdf::read(document, limits)?)),
        (Job::Embed(_), Format::Ofd) => return Err(Refused::Form),
        (Job::Embed(evidence), Format::Pdf) => Done::Document(pdf::embed_evidence(document, evidence, limits)?),
        (Job::Preview { page, width }, Format::Ofd) => Done::Png(ofd::preview(document, *page, *width, limits)?),
        (Job::Preview { page, width }, Format::Pdf) => Done::Png(pdf::preview(document, *page, *width, limits)?),
        // Answered above: a picture is no document.
        (Job::Picture(_), _) => return Err(Refused::UnknownFormat),
    })
}
