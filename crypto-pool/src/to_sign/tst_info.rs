//! What a time-stamping unit's key may sign: the signed attributes over a `TSTInfo` of this moment.

use std::sync::Arc;
use std::time::Duration;

use pki_config::{Instant, oid};

use super::Refusal;
use crate::cms::Signer;
use crate::key::KeyRecord;
use crate::tlv::{self, BadDer, Reader};

/// How far genTime may be from the pool's clock, to either side: the clock of the time-stamping authority is
/// better than the machine's, and a request may have waited in the queue. A captured service can back-date by
/// no more than this.
const TOLERANCE: Duration = Duration::from_secs(10);
/// Longest `TSTInfo`. Unit: bytes.
const LONGEST: usize = 4096;

/// A `TSTInfo` and the attributes over it, with the certificate that they name.
#[derive(Debug, Clone)]
pub struct TstInfoToSign {
    attributes: Vec<u8>,
    tst_info: Vec<u8>,
    signer: Arc<Signer>,
}

impl TstInfoToSign {
    /// What is to be signed so that `signer` vouches for `tst_info`.
    #[must_use]
    pub fn new(tst_info: Vec<u8>, signer: Arc<Signer>) -> Self {
        Self { attributes: signer.signed_attributes(&tst_info), tst_info, signer }
    }

    /// The attributes: the bytes that the signature is over.
    #[must_use]
    pub fn attributes(&self) -> &[u8] {
        &self.attributes
    }

    pub(super) fn into_attributes(self) -> Vec<u8> {
        self.attributes
    }
}

/// ```text
/// TSTInfo ::= SEQUENCE { version INTEGER (1), policy OID, messageImprint MessageImprint, serialNumber INTEGER,
///   genTime GeneralizedTime, accuracy Accuracy OPTIONAL, ordering BOOLEAN DEFAULT FALSE, nonce INTEGER OPTIONAL,
///   tsa [0] GeneralName OPTIONAL, extensions [1] IMPLICIT Extensions OPTIONAL }
/// ```
pub(super) fn check(stamp: &TstInfoToSign, record: &KeyRecord, now: Instant) -> Result<(), Refusal> {
    let cert = stamp.signer.certificate();
    if cert.spki() != record.spki {
        return Err(Refusal::Signer);
    }
    if cert.extensions().ext_key_usage.as_deref() != Some(&[oid::KP_TIME_STAMPING]) {
        return Err(Refusal::Signer);
    }
    if !stamp.signer.is_attributes_of(&stamp.attributes, &stamp.tst_info) {
        return Err(Refusal::Attributes);
    }
    let at = gen_time(&stamp.tst_info)?;
    let begun = record.not_before.is_none_or(|start| start.whole_second() <= at);
    if !begun || record.not_after.is_some_and(|end| end < at) || !stamp.signer.covers(at) {
        return Err(Refusal::Period);
    }
    if at > now.plus(TOLERANCE) || at < now.minus(TOLERANCE) { Err(Refusal::Times) } else { Ok(()) }
}

/// genTime, rounded down to its second; everything else in it has the form it must have.
fn gen_time(der: &[u8]) -> Result<Instant, BadDer> {
    if der.len() > LONGEST {
        return tlv::bad("TSTInfo is too long");
    }
    let mut info = tlv::single(der, tlv::SEQUENCE, "TSTInfo")?.inside();
    if info.expect(tlv::INTEGER, "TSTInfo version")?.small()? != 1 {
        return tlv::bad("TSTInfo version");
    }
    info.expect(tlv::OID, "policy")?;
    let mut imprint = info.expect(tlv::SEQUENCE, "message imprint")?.inside();
    imprint.expect(tlv::SEQUENCE, "hash algorithm")?;
    imprint.expect(tlv::OCTET_STRING, "hashed message")?;
    imprint.finish("message imprint")?;
    let serial = info.expect(tlv::INTEGER, "time-stamp serial")?.magnitude()?;
    if serial.is_empty() || serial.len() > 20 {
        return tlv::bad("time-stamp serial");
    }
    let time = info.expect(tlv::GENERALIZED_TIME, "genTime")?;
    info.optional(tlv::SEQUENCE)?;
    info.optional(tlv::BOOLEAN)?.map(tlv::Tlv::boolean).transpose()?;
    info.optional(tlv::INTEGER)?;
    info.optional(0xa0)?;
    info.optional(0xa1)?;
    info.finish("TSTInfo")?;
    whole_second(time.value)
}

/// The second of a `GeneralizedTime` with or without a fraction.
fn whole_second(text: &[u8]) -> Result<Instant, BadDer> {
    let Some((seconds, fraction)) = text.split_at_checked(14) else { return tlv::bad("genTime") };
    let fits = match fraction {
        [b'Z'] => true,
        [b'.', digits @ .., last, b'Z'] => {
            digits.iter().all(u8::is_ascii_digit) && (b'1'..=b'9').contains(last) && digits.len() < 9
        }
        _ => false,
    };
    if !fits {
        return tlv::bad("genTime");
    }
    let plain = tlv::write(tlv::GENERALIZED_TIME, &[seconds, b"Z"]);
    Reader::new(&plain).any()?.time()
}

#[cfg(test)]
mod tests;
