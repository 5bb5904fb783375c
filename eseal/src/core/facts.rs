//! What a reader found in a document, before anybody judged it. Made in a child process, judged outside it.

use pki_config::Instant;
use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::place::{PageSize, Stamp};

/// Which kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// OFD, GB/T 33190-2016.
    Ofd,
    /// PDF, ISO 32000.
    Pdf,
}

impl Format {
    /// By the first octets: a ZIP or a PDF header within the first 1,024.
    #[must_use]
    pub fn of(document: &[u8]) -> Option<Self> {
        if document.starts_with(b"PK\x03\x04") {
            return Some(Self::Ofd);
        }
        let head = document.get(..1024.min(document.len()))?;
        head.windows(5).any(|five| five == b"%PDF-").then_some(Self::Pdf)
    }
}

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hash {
    /// SM3.
    Sm3,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA-1: for reading only, weak.
    Sha1,
    /// MD5: for reading only, weak.
    Md5,
}

/// What can be said of a document without judging its signatures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// Its kind.
    pub format: Format,
    /// Its pages.
    pub pages: Vec<PageSize>,
    /// How many signatures it bears.
    pub signatures: u32,
    /// Why no seal can be put on it, if so: a stable word (`encrypted`, `xfa`, `no-changes-allowed`,
    /// `whole-protected`…).
    pub refused: Option<String>,
}

/// What a reader found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The kind of document.
    pub format: Format,
    /// Its pages.
    pub pages: Vec<PageSize>,
    /// Its signatures, in the order in which they were made as far as can be told.
    pub signatures: Vec<Found>,
    /// What concerns the document as a whole.
    pub findings: Vec<Finding>,
    /// Certificates, CRLs and OCSP answers that the document carries for its verifiers (PDF: `/DSS`), DER.
    pub evidence: Evidence,
}

/// What a document carries for its verifiers. DER.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Certificates.
    pub certificates: Vec<Vec<u8>>,
    /// CRLs.
    pub crls: Vec<Vec<u8>>,
    /// OCSP answers (`OCSPResponse`).
    pub ocsps: Vec<Vec<u8>>,
}

/// What a signature is said to be by the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// OFD, `Type="Seal"`.
    OfdSeal,
    /// OFD, `Type="Sign"`.
    OfdSign,
    /// PDF signature dictionary; what it holds says the value itself.
    Pdf,
    /// PDF `/DocTimeStamp`.
    PdfTimeStamp,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Its kind.
    pub kind: Kind,
    /// OFD: its ID; PDF: the name of its field.
    pub name: String,
    /// OFD: the path of `Signature.xml`; PDF: `/SubFilter`.
    pub property: String,
    /// The value (`SES_Signature`, `ContentInfo`, …), padding removed.
    #[serde(with = "serde_bytes")]
    pub value: Vec<u8>,
    /// Digests of what is signed, of every hash function that `value` may want (SM3 always).
    pub digests: Vec<(Hash, Vec<u8>)>,
    /// What is signed, where it is small: OFD's `Signature.xml`.
    pub signed: Option<Vec<u8>>,
    /// The time the document says; a claim.
    pub time: Option<Instant>,
    /// The seal that lies beside the value (`Seal.esl`).
    pub seal: Option<Vec<u8>>,
    /// Where the pages show it.
    pub stamps: Vec<Stamp>,
    /// What the reader found out by itself: references, coverage, appearance, structure.
    pub findings: Vec<Finding>,
}
