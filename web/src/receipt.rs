//! Receipts: that an entry, and with it a certificate, is in the audit log. Whoever trusts the root can check
//! one years later on a machine that never saw the server.
//!
//! ```text
//! certificate --SM3--> payloadDigest in the entry --SM3--> leaf --path--> root hash in the checkpoint
//! checkpoint <--signed by-- log key <--certified by-- issuer ... root, which the reader trusts
//! ```
//!
//! What an attacker who writes the receipt could try, and what stops it: another certificate (digest);
//! another entry or place (path, position inside the entry); a checkpoint of another log (digest of
//! the log's key inside it); a signature by some other key of the same authority (only a certificate of
//! the profile `audit-signer` counts, see [`LogProfile`]); much text (every field is bounded before it is
//! decoded).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_pool::path::{self, Anchors, Cert, Options, PathError};
use crypto_pool::{BadDer, Checkpointer, KeyAlgorithm};
use der::Decode as _;
use der::pem::{self, LineEnding};
use ledger::AuditLog;
use ledger::audit::{
    BadCheckpoint, BadEntry, Checkpoint, Entry, InclusionProof, MAX_LEAF, Seq, leaf_hash, verify_inclusion,
};
use pki_config::{Event, Instant, oid};
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};

use crate::api::Receipt;

/// The format this program writes and reads.
const VERSION: u32 = 1;
/// Longest checkpoint. Unit: bytes.
const LONGEST_CHECKPOINT: usize = 8192;
/// Most hashes in a path: a log of 2^64 entries needs no more.
const LONGEST_PATH: usize = 64;
/// Longest PEM of one certificate. Unit: bytes.
const LONGEST_PEM: usize = 90_000;
/// Most certificates between the log key's and the root.
const LONGEST_CHAIN: usize = 6;

/// The certificate of the log's key and what leads from it to the root, as receipts carry them.
#[derive(Debug, Clone)]
pub struct LogChain {
    certificate: String,
    chain: String,
}

impl LogChain {
    /// From DER: the certificate, and its chain, its issuer first, without the root.
    ///
    /// # Errors
    /// [`BadReceipt::LogCertificate`] or [`BadReceipt::LogProfile`] if receipts with it would be refused.
    pub fn new<C: AsRef<[u8]>>(certificate: &[u8], chain: &[C]) -> Result<Self, BadReceipt> {
        let cert = Cert::from_der(certificate).map_err(BadReceipt::LogCertificate)?;
        is_log_signer(&cert)?;
        let chain = chain.iter().map(|der| armour(der.as_ref()));
        Ok(Self { certificate: armour(certificate), chain: chain.collect() })
    }
}

/// Makes the receipt of an entry, over a checkpoint that holds it: the newest stored one if it does, else a
/// fresh one.
///
/// # Errors
/// [`crypto_pool::Error::Audit`] with `NoSuchEntry`; [`crypto_pool::Error::Sealed`] if a checkpoint must be
/// signed and cannot; the log's and the pool's own.
pub async fn build(
    audit: &AuditLog,
    checkpointer: &Checkpointer,
    log: &LogChain,
    seq: Seq,
) -> Result<Receipt, crypto_pool::Error> {
    let entry = audit.entry(seq).await?;
    let checkpoint = match audit.checkpoint_holding(seq).await? {
        Some(checkpoint) => checkpoint,
        None => checkpointer.now().await?,
    };
    let proof = audit.inclusion(seq, checkpoint.body.size).await?;
    Ok(Receipt {
        version: VERSION,
        entry: STANDARD.encode(&entry.leaf),
        seq,
        path: proof.path.iter().map(|hash| STANDARD.encode(hash)).collect(),
        checkpoint: STANDARD.encode(checkpoint.to_der()),
        log_certificate: log.certificate.clone(),
        log_chain: log.chain.clone(),
    })
}

/// What a genuine receipt proves.
#[derive(Debug, Clone)]
pub struct ReceiptFacts {
    /// The entry: who did what, when.
    pub entry: Entry,
    /// The head of the log that holds it.
    pub checkpoint: Checkpoint,
    /// From the log key's certificate to the root.
    pub log_chain: path::Chain,
}

/// A field of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `entry`.
    Entry,
    /// `path`.
    Path,
    /// `checkpoint`.
    Checkpoint,
    /// `log_certificate`.
    LogCertificate,
    /// `log_chain`.
    LogChain,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entry => "entry",
            Self::Path => "path",
            Self::Checkpoint => "checkpoint",
            Self::LogCertificate => "log_certificate",
            Self::LogChain => "log_chain",
        })
    }
}

/// What a certificate needs to speak for the log: the profile `audit-signer`, by which no other
/// certificate of ours is made. Its one extended usage is documentSigning, its one key usage
/// digitalSignature; certificates for people and seals also have nonRepudiation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogProfile {
    /// Extended usage is not documentSigning alone.
    ExtKeyUsage,
    /// Key usage is not digitalSignature alone.
    KeyUsage,
    /// It is a certificate authority's.
    Authority,
    /// Its key is not an SM2 key.
    Algorithm,
}

impl fmt::Display for LogProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExtKeyUsage => "its extended key usage is not documentSigning alone",
            Self::KeyUsage => "its key usage is not digitalSignature alone",
            Self::Authority => "it is a certificate authority's",
            Self::Algorithm => "its key is not an SM2 key",
        })
    }
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadReceipt {
    /// Of a newer format.
    Version(u32),
    /// A field is longer than any genuine one.
    TooLong(Field),
    /// A field does not decode.
    Encoding(Field),
    /// The entry does not read.
    Entry(BadEntry),
    /// The receipt says one position, the entry another.
    Position {
        /// What the receipt says.
        receipt: Seq,
        /// What the entry says.
        entry: Seq,
    },
    /// The entry is about another certificate.
    OtherCertificate,
    /// The entry does not say that a certificate was issued.
    NotAnIssuance,
    /// The entry is about another time-stamp.
    OtherToken,
    /// The entry does not say that a time-stamp was made.
    NotAStamp,
    /// The path does not lead from the entry to the checkpoint.
    NotInLog,
    /// The checkpoint does not read.
    Checkpoint(BadCheckpoint),
    /// The entry is younger than the checkpoint that should hold it.
    Times,
    /// The checkpoint is of another log than that of the certificate's key.
    OtherLog,
    /// The checkpoint is not signed by the log's key.
    Signature,
    /// The log key's certificate or its chain does not read.
    LogCertificate(BadDer),
    /// The certificate is not one of an audit log.
    LogProfile(LogProfile),
    /// A trusted root does not read.
    Anchor(BadDer),
    /// The log key's certificate does not lead to a trusted root.
    Untrusted(PathError),
}

impl fmt::Display for BadReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "the receipt has format {version}; this program reads {VERSION}"),
            Self::TooLong(field) => write!(f, "the receipt's {field} is too long"),
            Self::Encoding(field) => write!(f, "the receipt's {field} does not decode"),
            Self::Entry(why) => write!(f, "the receipt's entry does not read: {why}"),
            Self::Position { receipt, entry } => {
                write!(f, "the receipt says entry {receipt}, the entry itself says {entry}")
            }
            Self::OtherCertificate => f.write_str("the receipt is for another certificate"),
            Self::NotAnIssuance => f.write_str("the receipt's entry does not record an issuance"),
            Self::OtherToken => f.write_str("the receipt is for another time-stamp"),
            Self::NotAStamp => f.write_str("the receipt's entry does not record a time-stamp"),
            Self::NotInLog => f.write_str("the entry is not in the log of the receipt's checkpoint"),
            Self::Checkpoint(why) => write!(f, "the receipt's checkpoint does not read: {why}"),
            Self::Times => f.write_str("the entry is younger than the checkpoint that should hold it"),
            Self::OtherLog => f.write_str("the checkpoint is of another log than the log certificate's"),
            Self::Signature => f.write_str("the checkpoint is not signed by the log's key"),
            Self::LogCertificate(why) => write!(f, "the log's certificate does not read: {why}"),
            Self::LogProfile(why) => write!(f, "the certificate is not that of an audit log: {why}"),
            Self::Anchor(why) => write!(f, "a trusted root does not read: {why}"),
            Self::Untrusted(why) => write!(f, "the log's certificate is not trusted: {why}"),
        }
    }
}

impl std::error::Error for BadReceipt {}

/// Checks a receipt with nothing but the roots that are trusted. Pure: no network, no file, no clock.
///
/// `certificate`: the DER that the receipt should be for; without one, the receipt proves only its entry.
/// `anchors`: DER of the trusted roots. `at`: the time as of which the log's certificate must be valid.
///
/// # Errors
/// [`BadReceipt`] names the first thing that does not fit.
pub fn verify(
    receipt: &Receipt,
    certificate: Option<&[u8]>,
    anchors: &[Vec<u8>],
    at: Instant,
) -> Result<ReceiptFacts, BadReceipt> {
    let about = About { what: certificate, events: &[Event::CertificateIssued, Event::IssuerCreated] };
    check(receipt, about, anchors, at)
}

/// As [`verify`], for a time-stamp token: its DER, without a response around it.
///
/// # Errors
/// [`BadReceipt`] names the first thing that does not fit.
pub fn verify_token(
    receipt: &Receipt,
    token: &[u8],
    anchors: &[Vec<u8>],
    at: Instant,
) -> Result<ReceiptFacts, BadReceipt> {
    check(receipt, About { what: Some(token), events: &[Event::TimeStamped] }, anchors, at)
}

/// What a receipt should be for, and what the log says when that came about.
struct About<'a> {
    what: Option<&'a [u8]>,
    events: &'a [Event],
}

fn check(receipt: &Receipt, about: About<'_>, anchors: &[Vec<u8>], at: Instant) -> Result<ReceiptFacts, BadReceipt> {
    if receipt.version != VERSION {
        return Err(BadReceipt::Version(receipt.version));
    }
    let leaf = decoded(&receipt.entry, MAX_LEAF, Field::Entry)?;
    let entry = Entry::from_der(&leaf).map_err(BadReceipt::Entry)?;
    if entry.seq != receipt.seq {
        return Err(BadReceipt::Position { receipt: receipt.seq, entry: entry.seq });
    }
    if let Some(what) = about.what {
        let token = about.events.contains(&Event::TimeStamped);
        if entry.payload_digest != engine::sm3::hash(what) {
            return Err(if token { BadReceipt::OtherToken } else { BadReceipt::OtherCertificate });
        }
        let came_about = about.events.iter().any(|one| one.as_str() == entry.event);
        if !came_about || entry.outcome.starts_with("refused") {
            return Err(if token { BadReceipt::NotAStamp } else { BadReceipt::NotAnIssuance });
        }
    }
    let checkpoint = decoded(&receipt.checkpoint, LONGEST_CHECKPOINT, Field::Checkpoint)?;
    let checkpoint = Checkpoint::from_der(&checkpoint).map_err(BadReceipt::Checkpoint)?;
    let proof = InclusionProof { seq: entry.seq, size: checkpoint.body.size, path: hashes(&receipt.path)? };
    if !verify_inclusion(&leaf_hash(&leaf), &proof, &checkpoint.body.root) {
        return Err(BadReceipt::NotInLog);
    }
    if entry.time > checkpoint.body.time {
        return Err(BadReceipt::Times);
    }
    let log_chain = log_chain(receipt, anchors, at, &checkpoint)?;
    Ok(ReceiptFacts { entry, checkpoint, log_chain })
}

/// From the checkpoint's signature to a trusted root.
fn log_chain(
    receipt: &Receipt,
    anchors: &[Vec<u8>],
    at: Instant,
    checkpoint: &Checkpoint,
) -> Result<path::Chain, BadReceipt> {
    let mut log = certificates(&receipt.log_certificate, 1, Field::LogCertificate)?;
    let log = log.pop().ok_or(BadReceipt::Encoding(Field::LogCertificate))?;
    is_log_signer(&log)?;
    if checkpoint.body.log != engine::sm3::hash(log.spki()) {
        return Err(BadReceipt::OtherLog);
    }
    if !crypto_pool::checkpoint::verify(checkpoint, log.spki()) {
        return Err(BadReceipt::Signature);
    }
    let chain = certificates(&receipt.log_chain, LONGEST_CHAIN, Field::LogChain)?;
    let anchors: Result<Vec<Cert>, _> = anchors.iter().map(|der| Cert::from_der(der)).collect();
    let anchors = Anchors::new(anchors.map_err(BadReceipt::Anchor)?);
    let options = Options { ext_key_usage: Some(oid::KP_DOCUMENT_SIGNING), ..Options::default() };
    path::validate(&log, &chain, &anchors, at, &options).map_err(BadReceipt::Untrusted)
}

/// Whether a certificate is one of the profile `audit-signer`.
fn is_log_signer(cert: &Cert) -> Result<(), BadReceipt> {
    let extensions = cert.extensions();
    let wrong = |why| Err(BadReceipt::LogProfile(why));
    if extensions.ext_key_usage.as_deref() != Some(&[oid::KP_DOCUMENT_SIGNING]) {
        return wrong(LogProfile::ExtKeyUsage);
    }
    // Read a second time for the exact bits: the path validator keeps only those that it decides by.
    let usage = x509_cert::Certificate::from_der(cert.der())
        .ok()
        .and_then(|cert| cert.tbs_certificate().get_extension::<KeyUsage>().ok().flatten());
    if usage.map(|(_, usage)| usage.0) != Some(KeyUsages::DigitalSignature.into()) {
        return wrong(LogProfile::KeyUsage);
    }
    if extensions.basic_constraints.is_some_and(|constraints| constraints.ca) {
        return wrong(LogProfile::Authority);
    }
    if !cert.public_key().is_ok_and(|key| key.algorithm() == KeyAlgorithm::Sm2) {
        return wrong(LogProfile::Algorithm);
    }
    Ok(())
}

/// Base64 of at most `longest` bytes.
fn decoded(text: &str, longest: usize, field: Field) -> Result<Vec<u8>, BadReceipt> {
    if text.len() > longest.div_ceil(3) * 4 {
        return Err(BadReceipt::TooLong(field));
    }
    STANDARD.decode(text).map_err(|_| BadReceipt::Encoding(field))
}

fn hashes(path: &[String]) -> Result<Vec<[u8; 32]>, BadReceipt> {
    if path.len() > LONGEST_PATH {
        return Err(BadReceipt::TooLong(Field::Path));
    }
    let hash =
        |text: &String| decoded(text, 32, Field::Path)?.try_into().map_err(|_| BadReceipt::Encoding(Field::Path));
    path.iter().map(hash).collect()
}

/// The certificates of a PEM text with nothing else in it.
fn certificates(text: &str, most: usize, field: Field) -> Result<Vec<Cert>, BadReceipt> {
    const END: &str = "-----END CERTIFICATE-----";
    if text.len() > most * LONGEST_PEM {
        return Err(BadReceipt::TooLong(field));
    }
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if found.len() == most {
            return Err(BadReceipt::TooLong(field));
        }
        let end = rest.find(END).ok_or(BadReceipt::Encoding(field))? + END.len();
        let (label, der) = pem::decode_vec(&rest.as_bytes()[..end]).map_err(|_| BadReceipt::Encoding(field))?;
        if label != "CERTIFICATE" {
            return Err(BadReceipt::Encoding(field));
        }
        found.push(Cert::from_der(&der).map_err(BadReceipt::LogCertificate)?);
        rest = rest[end..].trim_start();
    }
    Ok(found)
}

fn armour(der: &[u8]) -> String {
    pem::encode_string("CERTIFICATE", LineEnding::LF, der)
        .expect("the label is known and the length far below the limit")
}

#[cfg(test)]
mod tests;
