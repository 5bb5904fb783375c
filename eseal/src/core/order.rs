//! What is to be put on a document, and a document made ready for it.

use pki_config::Instant;
use serde::{Deserialize, Serialize};

mod finish;

use super::facts::Hash;
use super::job::Refused;
use super::picture::Picture;
use super::place::{Place, Stamp};

/// The form of the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// `SES_Signature` (GB/T 38540-2020), with SM2 and SM3. OFD and PDF.
    Seal,
    /// CMS SignedData in `adbe.pkcs7.detached`, with SM2 and SM3. PDF only.
    Cms,
    /// PAdES B-B, B-T or B-LT (ETSI EN 319 142-1) with ECDSA and SHA-256, for ordinary viewers. PDF only.
    Pades,
}

/// What to put where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The form of the signature.
    pub form: Form,
    /// The places.
    pub places: Vec<Place>,
    /// What is seen.
    pub picture: Picture,
    /// The seal (`SESeal`, DER), for OFD's `Seal.esl`.
    #[serde(with = "serde_bytes")]
    pub seal: Vec<u8>,
    /// When it is signed, to the second.
    pub at: Instant,
    /// Who signs, as people read it.
    pub signer: String,
    /// Why; for PDF.
    pub reason: Option<String>,
    /// Where; for PDF.
    pub location: Option<String>,
    /// Room for the signature value. Unit: bytes.
    pub reserve: usize,
}

/// A document that lacks nothing but the value of its new signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    /// Where the value goes.
    pub hole: Hole,
    /// The digest that is signed: SM3 of `Signature.xml`, or of the PDF's byte range.
    pub hash: Hash,
    /// Its value.
    pub digest: Vec<u8>,
    /// `propertyInfo` of the signature (OFD: the path of `Signature.xml` in the package).
    pub property: String,
    /// What was put on the pages.
    pub stamps: Vec<Stamp>,
    /// The document up to the hole and, for PDF, beyond it.
    #[serde(with = "serde_bytes")]
    pub document: Vec<u8>,
}

/// Where the value of the signature goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hole {
    /// Hexadecimal digits, padded with zeros, from this octet on.
    Pdf {
        /// The first digit.
        start: usize,
        /// How many digits.
        digits: usize,
    },
    /// One more stored entry of the package, after which comes the directory.
    Ofd {
        /// Name of the entry.
        name: String,
        /// The directory's entries so far.
        directory: Vec<u8>,
        /// How many they are.
        entries: u32,
    },
}
