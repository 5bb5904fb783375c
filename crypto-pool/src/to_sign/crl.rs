//! What an issuer's key may sign as a CRL: one walk from front to back, no memory per entry.

use std::time::Duration;

use pki_config::{Instant, oid};

use super::Refusal;
use crate::algorithm::SignatureAlgorithm;
use crate::key::KeyRecord;
use crate::tlv::{self, BadDer, Reader, Tlv};

/// How far thisUpdate may lie ahead of the clock: none of ours is, but seconds are rounded.
const AHEAD: Duration = Duration::from_secs(1);

/// ```text
/// TBSCertList ::= SEQUENCE {
///   version INTEGER (1), signature AlgorithmIdentifier, issuer Name, thisUpdate Time, nextUpdate Time,
///   revokedCertificates SEQUENCE OF SEQUENCE { serial INTEGER, revocationDate Time, Extensions OPTIONAL }
///     OPTIONAL, crlExtensions [0] EXPLICIT Extensions }
/// ```
pub(super) fn check(der: &[u8], record: &KeyRecord, now: Instant) -> Result<(), Refusal> {
    let mut tbs = tlv::single(der, tlv::SEQUENCE, "CRL")?.inside();
    if tbs.expect(tlv::INTEGER, "CRL version")?.small()? != 1 {
        return tlv::bad("CRL version").map_err(Refusal::from);
    }
    let algorithm = tbs.expect(tlv::SEQUENCE, "CRL algorithm")?;
    if algorithm.whole != SignatureAlgorithm::for_key(record.algorithm).identifier_der() {
        return Err(Refusal::Algorithm);
    }
    let issuer = tbs.expect(tlv::SEQUENCE, "CRL issuer")?;
    if record.subject.as_deref().ok_or(Refusal::NoSubject)? != issuer.whole {
        return Err(Refusal::Issuer);
    }
    let this_update = tbs.any()?.time()?;
    let next_update = tbs.any()?.time()?;
    if this_update > now.plus(AHEAD) || next_update <= this_update {
        return Err(Refusal::Times);
    }
    if let Some(entries) = tbs.optional(tlv::SEQUENCE)? {
        check_entries(entries)?;
    }
    let extensions = tbs.expect(0xa0, "CRL extensions")?;
    tbs.finish("CRL")?;
    check_extensions(extensions, record)
}

fn check_entries(entries: Tlv<'_>) -> Result<(), BadDer> {
    let mut entries = entries.inside();
    if entries.is_empty() {
        // RFC 5280 5.1.2.6: without entries the list is absent.
        return tlv::bad("CRL with an empty list");
    }
    while !entries.is_empty() {
        let mut entry = entries.expect(tlv::SEQUENCE, "CRL entry")?.inside();
        let serial = entry.expect(tlv::INTEGER, "CRL entry serial")?.magnitude()?;
        if serial.is_empty() || serial.len() > 20 {
            return tlv::bad("CRL entry serial");
        }
        entry.any()?.time()?;
        if let Some(extensions) = entry.optional(tlv::SEQUENCE)? {
            let mut extensions = extensions.inside();
            while !extensions.is_empty() {
                extensions.expect(tlv::SEQUENCE, "CRL entry extension")?;
            }
        }
        entry.finish("CRL entry")?;
    }
    Ok(())
}

fn check_extensions(extensions: Tlv<'_>, record: &KeyRecord) -> Result<(), Refusal> {
    let mut list = tlv::single(extensions.value, tlv::SEQUENCE, "CRL extensions")?.inside();
    let mut found = None;
    while !list.is_empty() {
        let mut extension = list.expect(tlv::SEQUENCE, "CRL extension")?.inside();
        let id = extension.expect(tlv::OID, "CRL extension")?;
        extension.optional(tlv::BOOLEAN)?;
        let value = extension.expect(tlv::OCTET_STRING, "CRL extension")?;
        extension.finish("CRL extension")?;
        if id.value == oid::AUTHORITY_KEY_ID.as_bytes() && found.replace(value.value).is_some() {
            return tlv::bad("CRL extension twice").map_err(Refusal::from);
        }
    }
    // AuthorityKeyIdentifier ::= SEQUENCE { keyIdentifier [0] IMPLICIT OCTET STRING OPTIONAL, … }
    let mut id = Reader::new(found.ok_or(Refusal::AuthorityKeyId)?).expect(tlv::SEQUENCE, "key identifier")?.inside();
    let key = id.optional(0x80)?;
    let only_the_key = id.is_empty() && key.is_some_and(|key| key.value == record.key_id);
    if only_the_key { Ok(()) } else { Err(Refusal::AuthorityKeyId) }
}
