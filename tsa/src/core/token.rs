//! What a token says: `TSTInfo`, written for a new one and read from one of ours.
//!
//! ```text
//! TSTInfo ::= SEQUENCE { version INTEGER (1), policy OID, messageImprint MessageImprint, serialNumber INTEGER,
//!   genTime GeneralizedTime, accuracy Accuracy OPTIONAL, ordering BOOLEAN DEFAULT FALSE, nonce INTEGER OPTIONAL,
//!   tsa [0] EXPLICIT GeneralName OPTIONAL, extensions [1] IMPLICIT Extensions OPTIONAL }
//! Accuracy ::= SEQUENCE { seconds INTEGER OPTIONAL, millis [0] IMPLICIT INTEGER (1..999) OPTIONAL,
//!   micros [1] IMPLICIT INTEGER (1..999) OPTIONAL }
//! ```
//!
//! Source: RFC 3161 2.4.2. GM/T 0033 prints `millis` without its tag, which would make it ambiguous.

use const_oid::ObjectIdentifier as Oid;
use crypto_pool::tlv::{self, BadDer, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, SEQUENCE};
use pki_config::Serial;

use super::moment::{Accuracy, Moment};
use super::policy::Policy;
use super::request::{Hash, Imprint, StampRequest};

/// What goes into a token besides the request and its policy.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Its number.
    pub serial: &'a Serial,
    /// Its time.
    pub time: Moment,
    /// How far the time may be off.
    pub accuracy: Accuracy,
    /// The subject of the unit's certificate: the DER of a `Name`.
    pub authority: &'a [u8],
}

/// Writes a `TSTInfo`.
#[must_use]
pub fn tst_info(request: &StampRequest<'_>, policy: &Policy, facts: &Facts<'_>) -> Vec<u8> {
    let serial = tlv::write(INTEGER, &[facts.serial.as_bytes()]);
    // A serial of ours begins with a small octet; one of 0x80 or more would need a zero before it.
    debug_assert!(facts.serial.as_bytes().first().is_some_and(|first| *first < 0x80));
    let ordering: &[u8] = if policy.ordering { &[1, 1, 0xff] } else { &[] };
    let nonce = request.nonce().map(|nonce| tlv::write(INTEGER, &[nonce])).unwrap_or_default();
    // GeneralName directoryName [4] EXPLICIT: Name is a CHOICE.
    let name = if policy.name { tlv::write(0xa0, &[&tlv::write(0xa4, &[facts.authority])]) } else { Vec::new() };
    tlv::write(
        SEQUENCE,
        &[
            &[INTEGER, 1, 1],
            &tlv::write(OID, &[policy.oid.as_bytes()]),
            request.imprint().der(),
            &serial,
            &tlv::write(GENERALIZED_TIME, &[&facts.time.to_generalized_time()]),
            &accuracy(facts.accuracy),
            ordering,
            &nonce,
            &name,
        ],
    )
}

fn accuracy(accuracy: Accuracy) -> Vec<u8> {
    let micros = accuracy.micros();
    let part = |tag: u8, value: u32| match value {
        0 => Vec::new(),
        1..=0x7f => vec![tag, 1, value as u8],
        // At most 999.
        _ => vec![tag, 2, (value >> 8) as u8, value as u8],
    };
    tlv::write(
        SEQUENCE,
        &[&part(INTEGER, micros / 1_000_000), &part(0x80, micros / 1000 % 1000), &part(0x81, micros % 1000)],
    )
}

/// A `TSTInfo` that was read. It borrows from the bytes that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TstInfo<'a> {
    /// The policy it was made under.
    pub policy: Oid,
    /// What was stamped.
    pub imprint: Imprint<'a>,
    /// Its number: the magnitude, big endian.
    pub serial: &'a [u8],
    /// When, cut to microseconds.
    pub time: Moment,
    /// How far the time may be off; `None` if the token does not say.
    pub accuracy: Option<Accuracy>,
    /// Whether its authority's tokens are in the order of their times.
    pub ordering: bool,
    /// The nonce of the request: the content octets of the INTEGER.
    pub nonce: Option<&'a [u8]>,
}

impl<'a> TstInfo<'a> {
    /// Reads a `TSTInfo` over a hash algorithm known here.
    ///
    /// # Errors
    /// [`BadDer`] says which part cannot be read.
    pub fn parse(der: &'a [u8]) -> Result<Self, BadDer> {
        let mut info = tlv::single(der, SEQUENCE, "TSTInfo")?.inside();
        if info.expect(INTEGER, "TSTInfo version")?.small()? != 1 {
            return tlv::bad("TSTInfo version");
        }
        let policy = info.expect(OID, "policy")?;
        let imprint = info.expect(SEQUENCE, "message imprint")?;
        let serial = info.expect(INTEGER, "serial number")?.magnitude()?;
        let time = info.expect(GENERALIZED_TIME, "genTime")?;
        let accuracy = info.optional(SEQUENCE)?.map(read_accuracy).transpose()?;
        let ordering = info.optional(tlv::BOOLEAN)?.map_or(Ok(false), tlv::Tlv::boolean)?;
        let nonce = info.optional(INTEGER)?;
        info.optional(0xa0)?;
        info.optional(0xa1)?;
        info.finish("TSTInfo")?;
        Ok(Self {
            policy: Oid::from_bytes(policy.value).map_err(|_| BadDer { what: "policy" })?,
            imprint: Imprint::parse(imprint.whole).map_err(|_| BadDer { what: "message imprint" })?,
            serial,
            time: Moment::from_generalized_time(time.value).ok_or(BadDer { what: "genTime" })?,
            accuracy: accuracy.flatten(),
            ordering,
            nonce: nonce.map(|nonce| nonce.value),
        })
    }

    /// Reads the `TSTInfo` within a token: a ContentInfo with SignedData, of either arc. Checks no signature.
    ///
    /// # Errors
    /// [`BadDer`].
    pub fn of_token(token: &'a [u8]) -> Result<Self, BadDer> {
        Self::parse(content(token)?)
    }

    /// The hash algorithm.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.imprint.hash()
    }
}

/// The `TSTInfo` within a token, as it stands there.
///
/// # Errors
/// [`BadDer`].
pub fn content(token: &[u8]) -> Result<&[u8], BadDer> {
    let mut info = tlv::single(token, SEQUENCE, "token")?.inside();
    info.expect(OID, "content type")?;
    let explicit = info.expect(0xa0, "signed data")?;
    info.finish("token")?;
    let mut data = tlv::single(explicit.value, SEQUENCE, "signed data")?.inside();
    data.expect(INTEGER, "signed data version")?;
    data.expect(tlv::SET, "digest algorithms")?;
    let mut inner = data.expect(SEQUENCE, "encapsulated content")?.inside();
    inner.expect(OID, "encapsulated content type")?;
    let octets = inner.expect(0xa0, "encapsulated content")?;
    inner.finish("encapsulated content")?;
    Ok(tlv::single(octets.value, OCTET_STRING, "encapsulated content")?.value)
}

/// `None` for one that says nothing or more than is stated here.
fn read_accuracy(element: tlv::Tlv<'_>) -> Result<Option<Accuracy>, BadDer> {
    let mut parts = element.inside();
    let seconds = parts.optional(INTEGER)?.map_or(Ok(0), tlv::Tlv::small)?;
    let mut sub = |tag: u8| -> Result<u64, BadDer> {
        let Some(found) = parts.optional(tag)? else { return Ok(0) };
        let value = tlv::Tlv { tag: INTEGER, ..found }.small()?;
        if (1..=999).contains(&value) { Ok(value) } else { tlv::bad("accuracy") }
    };
    let (millis, micros) = (sub(0x80)?, sub(0x81)?);
    parts.finish("accuracy")?;
    let all = seconds.checked_mul(1_000_000).and_then(|sum| sum.checked_add(millis * 1000 + micros));
    Ok(all.and_then(|all| u32::try_from(all).ok()).and_then(Accuracy::from_micros))
}

#[cfg(test)]
mod tests;
