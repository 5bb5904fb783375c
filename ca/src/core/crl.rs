//! Revocation lists of RFC 5280 5, full and delta, written entry by entry.
//!
//! `crl/list.rs` says which list of an issuer is meant, `crl/extensions.rs` what stands at its end.
//!
//! A list of a million entries is about forty megabytes. It is built in one buffer: entries go behind a
//! gap, and when the last is known, everything before them is written into the gap from its end, so that
//! no length needs to be known before and nothing is copied. The signature is added in the same buffer.

use std::fmt;
use std::time::Duration;

use crypto_pool::SignatureAlgorithm;
use der::Encode;
use der::asn1::GeneralizedTime;
use pki_config::name::HttpUrl;
use pki_config::status::{Reason, Revocation};
use pki_config::{Instant, Serial};

use super::issue::{Unfinished, is_exactly};
use super::issuer::Issuer;
use super::lint::Finding;
use super::lint::crl::{CrlContext, examine};

pub(crate) mod extensions;
mod list;

pub use list::{List, MOST_SHARDS};

/// The longest header of a DER element of up to 4 GiB: a tag, and a length of five octets.
const HEADER: usize = 6;

/// What stands at the head of a list.
#[derive(Debug, Clone)]
pub struct CrlHead {
    /// Who signs it.
    pub issuer: Issuer,
    /// When it was made.
    pub this_update: Instant,
    /// When the next one will be there at the latest.
    pub next_update: Instant,
    /// Rises with every list of the issuer, whichever it is, from 1.
    pub number: u64,
    /// The number of the full list it adds to; `None` for a full list.
    pub base: Option<u64>,
    /// The one address whose certificates it tells of; `None` if it tells of all.
    pub point: Option<HttpUrl>,
    /// Where its delta is; `None` without one, and for a delta itself.
    pub freshest: Option<HttpUrl>,
}

/// What an entry says of its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// It is revoked or on hold.
    Revoked(Revocation),
    /// In a delta: it was on hold in an earlier list and is good again (RFC 5280 5.3.1 `removeFromCRL`).
    Released,
}

/// `removeFromCRL`, RFC 5280 5.3.1. It stands in deltas only and is no reason for a revocation.
pub(crate) const REMOVE_FROM_CRL: u8 = 8;

/// An entry that cannot be written. The store gave what it must not give; nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadEntry {
    /// Entries come in ascending order of the octets of their serial numbers, each once.
    Order(Serial),
    /// Only a delta tells of what is good again.
    Released(Serial),
}

impl fmt::Display for BadEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(serial) => write!(f, "serial {serial} is out of order or stands twice"),
            Self::Released(serial) => write!(f, "serial {serial} is good and does not belong in a full list"),
        }
    }
}

impl std::error::Error for BadEntry {}

/// Writes a list entry by entry.
#[derive(Debug)]
pub struct CrlWriter {
    head: CrlHead,
    /// What stands before the entries, from the version to nextUpdate.
    fixed: Vec<u8>,
    /// A gap for what stands before the entries, then the entries.
    buffer: Vec<u8>,
    gap: usize,
    count: u64,
    last: Option<Serial>,
}

impl CrlWriter {
    /// A list with this head. `entries` is a guess that saves moving; a wrong one does no harm.
    #[must_use]
    pub fn new(head: CrlHead, entries: usize) -> Self {
        let mut fixed = vec![0x02, 0x01, 0x01];
        fixed.extend_from_slice(head.issuer.signature_algorithm().identifier_der());
        fixed.extend_from_slice(&head.issuer.name);
        time(&mut fixed, head.this_update);
        time(&mut fixed, head.next_update);
        // Outer header, TBSCertList header, the fixed part, revokedCertificates header.
        let gap = HEADER + HEADER + fixed.len() + HEADER;
        let mut buffer = Vec::with_capacity(gap + entries.saturating_mul(52) + 512);
        buffer.resize(gap, 0);
        Self { head, fixed, buffer, gap, count: 0, last: None }
    }

    /// Adds an entry.
    ///
    /// ```text
    /// SEQUENCE { userCertificate INTEGER, revocationDate Time, crlEntryExtensions SEQUENCE OF Extension OPTIONAL }
    /// ```
    ///
    /// The reason `unspecified` is written by leaving it out (RFC 5280 5.3.1). What is good again is dated with the
    /// list itself: the standard names no date for it.
    ///
    /// # Errors
    /// [`BadEntry::Order`] unless the serial comes after the last one by its octets; [`BadEntry::Released`] in a full
    /// list.
    pub fn push(&mut self, serial: &Serial, listed: &Listed) -> Result<(), BadEntry> {
        if self.last.as_ref().is_some_and(|last| last.as_bytes() >= serial.as_bytes()) {
            return Err(BadEntry::Order(serial.clone()));
        }
        let (at, reason, invalidity) = match listed {
            Listed::Revoked(revocation) => (revocation.at, revocation.reason.code(), revocation.invalidity),
            Listed::Released if self.head.base.is_none() => return Err(BadEntry::Released(serial.clone())),
            Listed::Released => (self.head.this_update, REMOVE_FROM_CRL, None),
        };
        let buffer = &mut self.buffer;
        let start = buffer.len();
        // Entries are shorter than 128 octets (22 + 17 + 2 + 12 + 28 at most): one octet of length.
        buffer.extend_from_slice(&[0x30, 0]);
        integer(buffer, serial.as_bytes());
        time(buffer, at);
        let extensions = buffer.len();
        buffer.extend_from_slice(&[0x30, 0]);
        if reason != Reason::Unspecified.code() {
            buffer.extend_from_slice(&[0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01]);
            buffer.push(reason);
        }
        if let Some(date) = invalidity {
            buffer.extend_from_slice(&[0x30, 0x18, 0x06, 0x03, 0x55, 0x1d, 0x18, 0x04, 0x11]);
            generalized(buffer, date);
        }
        if buffer.len() == extensions + 2 {
            buffer.truncate(extensions);
        } else {
            buffer[extensions + 1] = short(buffer.len() - extensions - 2);
        }
        buffer[start + 1] = short(buffer.len() - start - 2);
        self.count += 1;
        self.last = Some(serial.clone());
        Ok(())
    }

    /// Ends the list.
    #[must_use]
    pub fn finish(mut self) -> CrlDraft {
        let entries = self.buffer.len() - self.gap;
        let extensions = extensions::encode(&self.head);
        self.buffer.extend_from_slice(&extensions);
        let mut front = Front { buffer: &mut self.buffer, start: self.gap };
        // An empty revokedCertificates must not be there at all (RFC 5280 5.1.2.6).
        if entries > 0 {
            front.header(0x30, entries);
        }
        front.put(&self.fixed);
        let length = front.buffer.len() - front.start;
        front.header(0x30, length);
        let start = front.start;
        CrlDraft { head: self.head, buffer: self.buffer, start, count: self.count }
    }
}

/// Writes backwards into the gap.
struct Front<'a> {
    buffer: &'a mut Vec<u8>,
    start: usize,
}

impl Front<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let start = self.start - bytes.len();
        self.buffer[start..self.start].copy_from_slice(bytes);
        self.start = start;
    }

    fn header(&mut self, tag: u8, length: usize) {
        let octets = length.to_be_bytes();
        let used = &octets[octets.iter().position(|o| *o != 0).unwrap_or(octets.len() - 1)..];
        if length < 0x80 {
            self.put(&[tag, short(length)]);
        } else {
            self.put(used);
            self.put(&[tag, 0x80 | short(used.len())]);
        }
    }
}

fn short(length: usize) -> u8 {
    u8::try_from(length).ok().filter(|l| *l < 0x80).expect("an element known to be shorter than 128 octets")
}

fn integer(buffer: &mut Vec<u8>, magnitude: &[u8]) {
    let sign = magnitude.first().is_none_or(|first| *first >= 0x80);
    buffer.extend_from_slice(&[0x02, short(magnitude.len() + usize::from(sign))]);
    if sign {
        buffer.push(0);
    }
    buffer.extend_from_slice(magnitude);
}

const TIME_FITS: &str = "an Instant lies between 1970 and 9999";

fn time(buffer: &mut Vec<u8>, at: Instant) {
    at.to_der_time().encode_to_vec(buffer).expect(TIME_FITS);
}

/// The invalidity date is a GeneralizedTime in every year (RFC 5280 5.3.2).
fn generalized(buffer: &mut Vec<u8>, at: Instant) {
    let since = Duration::from_secs(u64::try_from(at.unix_seconds()).unwrap_or(0));
    GeneralizedTime::from_unix_duration(since).and_then(|t| t.encode_to_vec(buffer)).expect(TIME_FITS);
}

/// A list to be signed, not yet linted.
#[derive(Debug)]
pub struct CrlDraft {
    head: CrlHead,
    buffer: Vec<u8>,
    start: usize,
    count: u64,
}

impl CrlDraft {
    /// The bytes to be signed.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Holds the list against the rules. `previous` is the number of the issuer's last list, `entries` how many
    /// certificates it must tell of, counted apart from writing them, `longest` the most that may lie between
    /// thisUpdate and nextUpdate (CA/Browser BR 7.2: 10 days, or 12 months for a list of authorities).
    ///
    /// # Errors
    /// All findings. Nothing was signed.
    pub fn lint(self, previous: Option<u64>, entries: u64, longest: Duration) -> Result<LintedCrl, Vec<Finding>> {
        let CrlHead { issuer, base, point, freshest, .. } = &self.head;
        let (point, freshest) = (point.as_ref(), freshest.as_ref());
        let context = CrlContext { issuer, previous, longest, entries, base: *base, point, freshest };
        let findings = examine(self.tbs(), &context);
        if findings.is_empty() { Ok(LintedCrl(self)) } else { Err(findings) }
    }
}

/// A list that breaks no rule. Only [`CrlDraft::lint`] makes one.
#[derive(Debug)]
pub struct LintedCrl(CrlDraft);

impl LintedCrl {
    /// The bytes to be signed.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        self.0.tbs()
    }

    /// Its head.
    #[must_use]
    pub const fn head(&self) -> &CrlHead {
        &self.0.head
    }

    /// How many entries it has.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.0.count
    }

    /// Adds the pool's signature. As [`LintedCrl::finish`], but the signature is not verified a second time:
    /// a [`Signed`](crypto_pool::Signed) comes from the pool only, which verified it under this key.
    ///
    /// # Errors
    /// [`Unfinished::OtherIntent`] if the pool signed other bytes, and as [`LintedCrl::finish`].
    pub fn finish_signed(self, signed: &crypto_pool::Signed) -> Result<Vec<u8>, Unfinished> {
        if *signed.to_sign != self.tbs() {
            return Err(Unfinished::OtherIntent);
        }
        self.assembled(signed.algorithm, &signed.signature)
    }

    /// Adds the issuer's signature, as it stands in a BIT STRING, in the same buffer.
    ///
    /// # Errors
    /// [`Unfinished`] if the signature is not the issuer's over exactly these bytes.
    pub fn finish(self, algorithm: SignatureAlgorithm, signature: &[u8]) -> Result<Vec<u8>, Unfinished> {
        let issuer = &self.head().issuer;
        if algorithm != issuer.signature_algorithm() {
            return Err(Unfinished::Algorithm);
        }
        if !issuer.key.verify(algorithm, self.tbs(), signature) {
            return Err(Unfinished::Signature);
        }
        self.assembled(algorithm, signature)
    }

    fn assembled(self, algorithm: SignatureAlgorithm, signature: &[u8]) -> Result<Vec<u8>, Unfinished> {
        let CrlDraft { head, mut buffer, start, .. } = self.0;
        if algorithm != head.issuer.signature_algorithm() {
            return Err(Unfinished::Algorithm);
        }
        let tbs_length = buffer.len() - start;
        buffer.extend_from_slice(algorithm.identifier_der());
        let bits = der::asn1::BitStringRef::from_bytes(signature).map_err(|_| Unfinished::Assembly)?;
        bits.encode_to_vec(&mut buffer).map_err(|_| Unfinished::Assembly)?;
        let length = buffer.len() - start;
        let mut front = Front { buffer: &mut buffer, start };
        front.header(0x30, length);
        let begin = front.start;
        if !is_exactly(&buffer[begin..], &buffer[start..start + tbs_length], algorithm, signature) {
            return Err(Unfinished::Assembly);
        }
        buffer.drain(..begin);
        Ok(buffer)
    }
}

#[cfg(test)]
pub(crate) mod tests;
